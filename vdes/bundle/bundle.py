"""A MONAI bundle, opened by its folder and run by its own inference workflow."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow

from vdes.errors import InputError, find_input_error

WEIGHTS = "models/model.pt"


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle that follows the contract of vdes: an inference workflow with the knobs of this class.

    The contract of a generator: ``configs/inference.yaml`` has ``network_def``, and knobs ``bundle_root``,
    ``dataset_dir`` (a datalist), ``output_dir`` and ``ckpt_path``; run, it writes for every low-energy image of the
    datalist a 16-bit PNG of its size, named by the stem of the low-energy file. That of a classifier: likewise, with
    ``inputs`` (low_energy, des or both), and it writes ``predictions.csv`` as
    `vdes.handlers.predictions_handler.PredictionsHandler` does.

    Args:
        root: folder of the bundle.
        weights: file of the weights; None is the bundle's own ``models/model.pt``.
        knobs: further knobs of its inference, such as the working height that the weights were trained at.

    Raises:
        InputError: there is no such folder, config or file of weights, or the config has no ``network_def``.

    """

    root: Path
    weights: Path | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what a run would trip over."""
        if not self.root.is_dir():
            raise InputError(f"{self.root}: no such folder; expected that of a bundle")
        if "network_def" not in self.config:
            raise InputError(f"{self._config_file}: no `network_def`; expected the network of the bundle")
        unknown = [name for name in ("dataset_dir", "output_dir", "ckpt_path", *self.knobs) if name not in self.config]
        if unknown:
            raise InputError(f"{self._config_file}: no knob `{unknown[0]}`; expected one")
        if not self.weights_file.is_file():
            raise InputError(f"{self.weights_file}: no such file; expected the weights of {self.root.name}")

    @property
    def name(self) -> str:
        """The name of the bundle, which is that of its folder."""
        return self.root.resolve().name

    @property
    def version(self) -> str:
        """The version that its metadata state, or an empty text."""
        try:
            return str(json.loads((self.root / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"])
        except (OSError, ValueError, KeyError):
            return ""

    @property
    def weights_file(self) -> Path:
        """The file of the weights."""
        return self.weights or self.root / WEIGHTS

    @cached_property
    def weights_sha256(self) -> str:
        """The hash of the weights, by which a study tells whether they are still the same."""
        return hashlib.sha256(self.weights_file.read_bytes()).hexdigest()

    @cached_property
    def config(self) -> dict[str, Any]:
        """What its inference config says as it stands."""
        try:
            content = ConfigParser.load_config_file(self._config_file)
        except Exception as error:
            raise InputError(f"{self._config_file}: no config that MONAI reads ({error})") from error
        return dict(content)

    @property
    def _config_file(self) -> Path:
        for suffix in (".yaml", ".yml", ".json"):
            file = self.root / "configs" / f"inference{suffix}"
            if file.is_file():
                return file
        raise InputError(f"{self.root}: no configs/inference.yaml or .json; expected the folder of a bundle")

    def infer(self, datalist: Path, output: Path, **knobs: Any) -> None:
        """Run its inference in this process.

        Args:
            datalist: passed as ``dataset_dir``.
            output: passed as ``output_dir``.
            knobs: further knobs, ahead of the bundle's own.

        Raises:
            InputError: the workflow failed; the message is its own, with the bundle's name.

        """
        settings = {**self.knobs, **knobs, "bundle_root": self.root, "ckpt_path": self.weights_file.absolute()}
        settings |= {"dataset_dir": datalist, "output_dir": output}
        try:
            with _process_as_it_was():
                workflow = ConfigWorkflow(
                    str(self._config_file),
                    meta_file=str(self.root / "configs" / "metadata.json"),
                    workflow_type="infer",
                    logging_file=False,
                    **{name: str(value) if isinstance(value, Path) else value for name, value in settings.items()},
                )
                workflow.initialize()
                workflow.run()
                workflow.finalize()
        except Exception as error:  # whatever a bundle of others raises is one failed step of the study
            raise InputError(f"bundle {self.name}: {find_input_error(error) or _reason(error)}") from error


@contextlib.contextmanager
def _process_as_it_was() -> Iterator[None]:
    """Undo what a bundle does to its process, and leave out MONAI's warning that the bundle's logging is not set up."""
    hook, path, logger = sys.excepthook, list(sys.path), logging.getLogger("monai.bundle.workflows")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        sys.excepthook, sys.path[:] = hook, path


def _reason(error: BaseException) -> str:
    """Return the first line of the exception that MONAI wrapped others around."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (f"{type(error).__name__}: {error}".strip().splitlines() or [""])[0]
