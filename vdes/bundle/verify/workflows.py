"""Whether train, evaluate and inference have the ids that MONAI's workflows want."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigWorkflow

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.line import Line
from vdes.bundle.verify.network import build, first_line
from vdes.bundle.verify.phantoms import QUICK, phantoms
from vdes.errors import find_input_error

# configs and type of each workflow; an evaluation overrides the training
WORKFLOWS = {
    "train": (("train",), "train"),
    "evaluate": (("train", "evaluate"), "train"),
    "inference": (("inference",), "infer"),
}


def check_workflows(bundle: Bundle) -> Iterator[Line]:
    """Tell which workflows cannot be set up on phantoms, or lack properties."""
    with tempfile.TemporaryDirectory() as name, _process_as_it_was():
        folder = Path(name)
        weights = bundle.root / "models" / "model.pt"
        if not weights.is_file():
            weights = folder / "random.pt"
            torch.save(build(bundle).state_dict(), weights)
        datalist = phantoms(folder)
        for workflow, (names, kind) in WORKFLOWS.items():
            files = [bundle.config(name) for name in names]
            if bundle.config(workflow) is None or None in files:
                continue
            where = str(bundle.config(workflow))
            known = set().union(*(bundle.content(str(file)) for file in files))
            own = {"bundle_root": bundle.root, "dataset_dir": datalist, "ckpt_path": weights}
            own |= {"output_dir": folder / workflow, "cache_dir": folder / "cache"}
            knobs: dict[str, Any] = {**QUICK, **{name: str(value) for name, value in own.items()}}
            try:
                made = ConfigWorkflow(
                    [str(bundle.root / str(file)) for file in files],
                    workflow_type=kind,
                    logging_file=False,
                    **{name: value for name, value in knobs.items() if name in known},
                )
                made.initialize()
                missing = made.check_properties()
                made.finalize()
            except Exception as error:
                yield Line(where, f"the workflow cannot be set up: {first_line(find_input_error(error) or error)}")
                continue
            if missing:
                yield Line(where, f"check_properties(): without {', '.join(missing)}")


@contextmanager
def _process_as_it_was() -> Iterator[None]:
    """Undo what a bundle does to its process."""
    hook, path = sys.excepthook, list(sys.path)
    level, filters = logging.root.level, [(handler, list(handler.filters)) for handler in logging.root.handlers]
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    try:
        yield
    finally:
        sys.excepthook, sys.path[:] = hook, path
        logging.root.setLevel(level)
        for handler, own in filters:
            handler.filters[:] = own
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
