"""Run jobs on disks that are too small, give them space, run them again, and compare the results.

    PYTHONPATH=tools python -m stress.full_disk phantom --points 30 --output full_disk_phantom.json

The disk is one in memory (tmpfs), which only root can mount, on Linux. `stress.table` makes the tables of
docs/reference/faults.md from the files in docs/results/faults.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stress.jobs import JOBS, cases, half_written, leftovers

FULL = os.strerror(28)  # ENOSPC
WIDE = 1 << 30  # bytes of a disk that is large enough
LEAST = 4096  # bytes: a page


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """Mount an empty disk of `WIDE` bytes while the body runs.

    Raises:
        RuntimeError: it cannot be mounted.
    """
    folder.mkdir()
    _mount(folder, "-t", "tmpfs", "-o", f"size={WIDE}", "tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(folder: Path, size: int) -> None:
    """Change the size of a mounted disk to some bytes."""
    _mount(folder, "-o", f"remount,size={size}")


def _mount(folder: Path, *words: str) -> None:
    try:
        subprocess.run(["mount", *words, str(folder)], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RuntimeError("there is no program `mount`; expected Linux") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"no disk can be mounted: {error.stderr.strip()}; expected Linux, and root") from error


def complaint(status: int, log: str, folder: Path) -> str:
    """Return what is wrong with the end of a job on a full disk, or nothing.

    Args:
        status: its exit status.
        log: its output.
        folder: the disk, of which the last line must name a file.
    """
    last = (log.strip().splitlines() or [""])[-1]
    if status != 2:
        return f"exit status {status}: {last}"
    if "Traceback" in log:
        return f"a traceback before: {last}"
    if not last.startswith("error: ") or str(folder) not in last or FULL not in last:
        return f"the last line does not name a file and say that the disk is full: {last}"
    return ""


def filled(name: str, points: int, work: Path) -> dict[str, Any]:
    """Run a job on disks of so many sizes, and return what was counted.

    Args:
        name: of `JOBS`.
        points: number of sizes, evenly spaced below what the results of an undisturbed run take.
        work: an empty folder.
    """
    job = JOBS[name]
    datalist = cases(name, work / "cases")
    found = {"sizes": 0, "one line": 0, "completed": 0, "half-written": 0, "equal": 0, "left over": 0}
    faults: list[str] = []
    with disk(work / "disk") as small:
        job.run(datalist, small / "run", work / "undisturbed.log")
        expected, used = job.results(small / "run"), shutil.disk_usage(small).used
        if not expected:
            raise RuntimeError(f"{name}: an undisturbed run has no results")
        for point in range(points):
            shutil.rmtree(small / "run", ignore_errors=True)
            size, log = max(LEAST, used * (2 * point + 1) // (2 * points)), work / f"{point}.log"
            resize(small, size)
            found["sizes"] += 1
            status = job.start(datalist, small / "run", log).wait()
            found["completed"] += status == 0
            fault = "" if status == 0 else complaint(status, log.read_text(errors="replace"), small)
            found["one line"] += status != 0 and not fault
            found["half-written"] += len(half_written(small / "run"))
            found["left over"] += len(leftovers(small / "run"))
            resize(small, WIDE)
            try:
                if status != 0:
                    job.run(datalist, small / "run", log)
                equal = job.results(small / "run") == expected
                found["equal"] += equal
                fault = fault or ("" if equal else "other results")
            except (RuntimeError, OSError) as error:
                fault = f"{fault}; then {error}" if fault else str(error)
            if fault:
                faults.append(f"disk of {size} bytes: {fault}".replace(str(work), "WORK"))
    return {"job": name, **found, "faults": faults}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--points", type=int, default=30, help="number of sizes")
    parser.add_argument("--output", type=Path, required=True, help="JSON file for the counts")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        found = filled(options.job, options.points, Path(work))
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
