"""Run a bundle's workflow in a separate process, as a user would."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vdes.bundle.knobs import EXPRESSIONS, as_typed
from vdes.bundle.warm_start import run_module
from vdes.errors import ERROR, FREE, InputError

ROOM = 1 << 16  # bytes that the last lines of a run need on the disk


def environment(threads: int) -> dict[str, str]:
    """Return the environment for a new process: ours, with the given number of threads for torch."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MPLBACKEND": "Agg"}


def run_workflow(
    bundle: Path,
    configs: Sequence[str],
    datalist: Path,
    output: Path,
    settings: Mapping[str, Any],
    threads: int | None = None,
    processes: int = 1,
) -> None:
    """Run a bundle's workflow with the MONAI bundle command line; its console output goes to ``<output>.log``.

    Args:
        bundle: folder of the bundle.
        configs: names of its configs, such as ``["train", "evaluate"]``; later ones override.
        datalist: passed as ``dataset_dir``.
        output: passed as ``output_dir``.
        settings: further knobs; texts that begin with $, @ or % are expressions and references of MONAI's.
        threads: threads of torch in each process; all cores by default.
        processes: number of processes; above 1 it runs under torchrun, one process per GPU.

    Raises:
        InputError: the workflow failed; the message is its own if it ended with one line, and names the log.
    """
    files = [str(bundle / "configs" / f"{name}.yaml") for name in configs]
    arguments = ["run", "--config_file", str(files)]
    given = {"bundle_root": bundle, "dataset_dir": datalist, "output_dir": output, **settings}
    for name, value in given.items():
        text = isinstance(value, Path) or (isinstance(value, str) and not value.startswith(EXPRESSIONS))
        arguments += [f"--{name}", as_typed(str(value)) if text else str(value)]
    module = "monai.bundle"
    if processes > 1:
        arguments = ["--standalone", f"--nproc_per_node={processes}", "-m", module, *arguments]
        module = "torch.distributed.run"
    output.parent.mkdir(parents=True, exist_ok=True)
    log = output.with_name(output.name + ".log")
    with log.open("a", encoding="utf-8") as stream:
        begun = stream.tell()
        own = environment(threads or os.cpu_count() or 1)
        status = run_module(module, arguments, own, Path.cwd(), stream.fileno(), stream.fileno())
    if status != 0:
        raise InputError(_why(log, begun, status))


def _why(log: Path, begun: int, status: int) -> str:
    """Return why a run failed, whose output begins at a byte of the log."""
    with log.open("rb") as stream:
        stream.seek(begun)
        lines = stream.read().decode("utf-8", "replace").splitlines()
    told = [line.removeprefix(ERROR) for line in lines if line.startswith(ERROR)]
    if told:
        return f"{told[-1]} ({log} has the whole output)"
    if shutil.disk_usage(log.parent).free < ROOM:
        return f"{log}: cannot be written ({os.strerror(errno.ENOSPC)}); {FREE}"
    return f"{log}: the run ended with exit status {status}; its last lines say why"
