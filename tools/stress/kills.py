"""Kill jobs at random moments, start them again, and compare the results with those of an undisturbed run.

    PYTHONPATH=tools python -m stress.kills phantom --times 5 --output kills_phantom.json
    PYTHONPATH=tools python -m stress.kills phantom --times 5 --ahead --output clock_phantom.json

With --ahead the clock is set back between kill and start: the killed run has a clock that is ten days ahead, by the
program faketime if it is installed, and so have the files that it left.

`stress.table` makes the tables of docs/reference/faults.md from the files in docs/results/faults.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from stress.jobs import JOBS, cases, half_written, leftovers

AHEAD = timedelta(days=10)
ENDS = {"phantom": "datalist.json", "datalist": "datalist.json"}  # the last file that a job makes, and does not replace


def killed(
    name: str, times: int, seed: int, work: Path, ahead: bool = False, minutes: float = math.inf
) -> dict[str, Any]:
    """Kill a job so many times, each time from its beginning, and return what was counted.

    Args:
        name: of `JOBS`.
        times: number of kills.
        seed: seed of the moments, which are uniform over the duration of an undisturbed run.
        work: an empty folder.
        ahead: let the killed runs have a clock that is ahead.
        minutes: stop after so many.
    """
    kills = "clocks set back" if ahead else "kills"
    faketime = shutil.which("faketime") if ahead else None
    before = [faketime, "-f", f"+{AHEAD.days}d"] if faketime else []
    job, moments = JOBS[name], random.Random(seed)
    datalist = cases(name, work / "cases")
    seconds = job.run(datalist, work / "undisturbed")
    expected = job.results(work / "undisturbed")
    if not expected:
        raise RuntimeError(f"{name}: an undisturbed run has no results")
    found = {kills: 0, "ended before": 0, "equal": 0, "half-written": 0, "left over": 0}
    faults: list[str] = []
    ends = time.monotonic() + 60 * minutes
    while found[kills] < times and found["ended before"] < times and time.monotonic() < ends:
        folder = work / "disturbed"
        moment = moments.uniform(0, seconds)
        hit = job.kill(datalist, folder, moment, before)
        found[kills if hit else "ended before"] += 1
        if hit:
            if ahead:
                put_ahead(folder)
            found["half-written"] += len(half_written(folder))
            try:
                if name not in ENDS or not (folder / ENDS[name]).exists():  # it was finished, and is refused
                    job.run(datalist, folder)
                found["equal"] += job.results(folder) == expected
                found["left over"] += len(leftovers(folder))
            except (RuntimeError, OSError) as error:
                faults.append(f"after {moment:.2f} s: {error}".replace(str(work), "WORK"))
        shutil.rmtree(folder, ignore_errors=True)
    return {"job": name, "seed": seed, **found, "faults": faults}


def put_ahead(folder: Path) -> None:
    """Set the times of all files ahead."""
    moment = (datetime.now() + AHEAD).timestamp()
    for path in folder.rglob("*"):
        os.utime(path, (moment, moment))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--times", type=int, default=3, help="number of kills")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    parser.add_argument("--ahead", action="store_true", help="set the clock back between kill and start")
    parser.add_argument("--output", type=Path, required=True, help="JSON file for the counts")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        found = killed(options.job, options.times, options.seed, Path(work), options.ahead, options.minutes)
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
