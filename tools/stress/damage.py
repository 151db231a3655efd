"""Damage what a finished study has left, run the same command again, and compare the figures.

    PYTHONPATH=tools python -m stress.damage --output damage_study.json

Each target is damaged in each way. `stress.table` makes the tables of docs/reference/faults.md from the files in
docs/results/faults.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stress.jobs import JOBS, cases, leftovers

TARGETS = {
    "predictions of a part": "parts/*/arms/des/predictions.csv",
    "predictions": "arms/des/predictions.csv",
    "virtual image": "parts/*/virtual/unet/*.png",
    "score of images": "parts/*/scored/**/*.csv",
    "fidelity of cases": "images/fidelity_per_case.csv",
    "cases": "cases.json",
    "record of a step": "steps/*predict_des.json",
    "datalist of an arm": "parts/*/datalists/virtual-unet_judged.json",
}


def cut(content: bytes) -> bytes:
    """Return the first half."""
    return content[: len(content) // 2]


def zeroed(content: bytes) -> bytes:
    """Return zeros."""
    return bytes(len(content))


def flipped(content: bytes) -> bytes:
    """Return the content with one bit in its middle flipped."""
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


WAYS: dict[str, Callable[[bytes], bytes] | None] = {"cut": cut, "zeroed": zeroed, "flipped": flipped, "deleted": None}


def damaged(targets: Sequence[str], ways: Sequence[str], work: Path) -> dict[str, Any]:
    """Damage each target in each way, and return what was counted.

    Args:
        targets: of `TARGETS`.
        ways: of `WAYS`.
        work: an empty folder.
    """
    job = JOBS["study"]
    datalist = cases("study", work / "cases")
    folder, whole = work / "study", work / "whole"
    job.run(datalist, folder)
    expected = job.results(folder)
    shutil.copytree(folder, whole)
    equal, left, faults = 0, 0, []
    for target in targets:
        for way in ways:
            file = next(path for path in sorted(folder.glob(TARGETS[target])) if path.is_file())
            change = WAYS[way]
            if change is None:
                file.unlink()
            else:
                file.write_bytes(change(file.read_bytes()))
            try:
                job.run(datalist, folder)
                differ = sorted(name for name, value in expected.items() if job.results(folder).get(name) != value)
                equal += not differ
                left += len(leftovers(folder))
                fault = f"exit status 0, other content in {', '.join(differ)}" if differ else ""
            except (RuntimeError, OSError, ValueError) as error:
                fault = str(error).replace(str(work), "WORK")
            if fault:
                faults.append(f"{target}, {way}: {fault}")
                shutil.rmtree(folder)
                shutil.copytree(whole, folder)
    return {
        "job": "study",
        "damages": len(targets) * len(ways),
        "equal": equal,
        "left over": left,
        "targets": list(targets),
        "ways": list(ways),
        "faults": faults,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--output", type=Path, required=True, help="JSON file for the counts")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        found = damaged(options.targets, options.ways, Path(work))
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
