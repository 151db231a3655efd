"""Delete, cut or replace an input of jobs at random moments, and tell what their results were made from.

    PYTHONPATH=tools python -m stress.inputs inference --times 6 --output docs/results/faults/inputs_inference.json

A job must end with results of the old input, with results of the new one, or with one line that names the file; never
with a mixture. `stress.table` makes the tables of docs/reference/faults.md from the files in docs/results/faults.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stress.jobs import JOBS, cases, half_written

Change = Callable[[Path, Path], None]


def delete(file: Path, other: Path) -> None:
    """Delete a file."""
    file.unlink()


def cut(file: Path, other: Path) -> None:
    """Keep the first half of a file."""
    os.truncate(file, file.stat().st_size // 2)


def replace(file: Path, other: Path) -> None:
    """Put another file in the place of one, in one step, as programs do."""
    beside = file.with_name("new")
    shutil.copyfile(other, beside)
    beside.replace(file)


CHANGES: dict[str, Change] = {"deleted": delete, "cut": cut, "replaced": replace}


def images(datalist: Path, name: str) -> list[Path]:
    """Return the low-energy images that a job reads: of training for trainings, of the test section for others."""
    section = "training" if "training" in name else "test"
    items = json.loads(datalist.read_text(encoding="utf-8"))[section]
    return [datalist.parent / item["low_energy"] for item in items]


def changed(name: str, times: int, seed: int, work: Path) -> dict[str, Any]:
    """Change an input so many times, each time in a run from its beginning, and return what was counted.

    Args:
        name: of `JOBS`.
        times: number of changes; the ways of `CHANGES` take turns.
        seed: seed of the moments, which are uniform over the duration of an undisturbed run.
        work: an empty folder.
    """
    job, moments = JOBS[name], random.Random(seed)
    datalist = cases(name, work / "cases")
    first, *_, last = images(datalist, name)
    whole, folder, log = work / "whole", work / "disturbed", work / "disturbed.log"
    shutil.copyfile(first, whole)
    seconds = job.run(datalist, work / "undisturbed")
    old = job.results(work / "undisturbed")
    replace(first, last)
    job.run(datalist, work / "replaced")
    new = job.results(work / "replaced")
    replace(first, whole)
    if not old or old == new:
        raise RuntimeError(f"{name}: the results do not depend on {first}")
    found = {"changes": 0, "ended before": 0, "from the old": 0, "from the new": 0, "one line": 0, "half-written": 0}
    faults: list[str] = []
    while found["changes"] < times and found["ended before"] < times:
        way = list(CHANGES)[found["changes"] % len(CHANGES)]
        moment = moments.uniform(0, seconds)
        process = job.start(datalist, folder, log)
        try:
            process.wait(moment)
            found["ended before"] += 1
        except subprocess.TimeoutExpired:
            CHANGES[way](first, last)
            found["changes"] += 1
            fault = outcome(
                process.wait(), log.read_text(errors="replace"), first, lambda: job.results(folder), old, new
            )
            if fault in found:
                found[fault] += 1
            else:
                faults.append(f"{way} after {moment:.2f} s: {fault}".replace(str(work), "WORK"))
            found["half-written"] += len(half_written(folder))
        replace(first, whole)
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink()
    return {"job": name, "seed": seed, **found, "faults": faults}


def outcome(
    status: int, log: str, file: Path, results: Callable[[], dict[str, str]], old: dict[str, str], new: dict[str, str]
) -> str:
    """Return the name of the count that an end belongs to, or what is wrong with it."""
    last = (log.strip().splitlines() or [""])[-1]
    if status == 0:
        made = results()
        return "from the old" if made == old else "from the new" if made == new else "exit status 0, a mixture"
    named = last.startswith("error: ") and file.name in last and "Traceback" not in log
    return "one line" if status == 2 and named else f"exit status {status}: {last}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=[name for name in JOBS if name not in ("phantom", "datalist")])
    parser.add_argument("--times", type=int, default=3, help="number of changes")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    parser.add_argument("--output", type=Path, required=True, help="JSON file for the counts")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        found = changed(options.job, options.times, options.seed, Path(work))
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
