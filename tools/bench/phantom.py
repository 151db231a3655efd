"""How fast are phantoms generated, and how much memory does it take?

Runs `vdes.phantom.generate` with two workers at 512 and 2048 px, then at 256 px with few and with many patients.
Everything is written to a temporary folder. Run: python tools/bench/phantom.py
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

WORKERS = 2


def measure(patients: int, size: int, workers: int, results: multiprocessing.Queue[tuple[float, float, float]]) -> None:
    """Put wall seconds, processor seconds and the largest resident memory in MiB of one process for one set."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(patients, 0, size)
        generate(Path(temporary) / "set", settings, workers)
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    spent = sum(usage.ru_utime + usage.ru_stime for usage in (own, children))
    results.put((time.perf_counter() - started, spent, max(own.ru_maxrss, children.ru_maxrss) / 1024))


def main() -> None:
    """Measure each set in its own process and print a table."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("patients  size  workers  pairs/s  wall s/pair  processor s/pair  largest process MiB")
    context = multiprocessing.get_context("spawn")
    for patients, size, workers in ((24, 512, WORKERS), (4, 2048, WORKERS), (6, 256, 1), (60, 256, 1)):
        results: multiprocessing.Queue[tuple[float, float, float]] = context.Queue()
        process = context.Process(target=measure, args=(patients, size, workers, results))
        process.start()
        wall, spent, memory = results.get()
        process.join()
        pairs = 4 * patients
        print(
            f"{patients:8d}  {size:4d}  {workers:7d}  {pairs / wall:7.2f}  {wall / pairs:11.2f}"
            f"  {spent / pairs:16.2f}  {memory:19.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
