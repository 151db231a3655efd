"""Run a bundle's workflow in a process of its own, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vdes.errors import InputError


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that we start: ours, with so many threads for torch."""
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
    """Run a bundle's workflow by the MONAI bundle command line, its console output in ``<output>.log``.

    Args:
        bundle: folder of the bundle.
        configs: names of its configs, such as ``["train", "evaluate"]``; later ones override.
        datalist: passed as ``dataset_dir``.
        output: passed as ``output_dir``.
        settings: further knobs.
        threads: threads of torch in each process; all cores by default.
        processes: above 1 it runs under torchrun, one process a GPU.

    Raises:
        InputError: the workflow failed; the message names the log.
    """
    files = [str(bundle / "configs" / f"{name}.yaml") for name in configs]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] if processes > 1 else []
    command = [
        sys.executable,
        *launcher,
        "-m",
        "monai.bundle",
        "run",
        "--config_file",
        str(files),
        "--bundle_root",
        str(bundle),
    ]
    command += ["--dataset_dir", str(datalist), "--output_dir", str(output)]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    output.parent.mkdir(parents=True, exist_ok=True)
    log = output.with_name(output.name + ".log")
    with log.open("a", encoding="utf-8") as stream:
        status = subprocess.run(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment(threads or os.cpu_count() or 1),
        ).returncode
    if status != 0:
        raise InputError(f"{log}: the run ended with exit status {status}; its last lines say why")
