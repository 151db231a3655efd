"""How much time and memory do the intervals of ten arms and of their differences take?

Runs `vdes.statistics.paired_bootstrap` with 10,000 resamples of 1,000 patients, F1 and AUC: once with one case per
patient, once with four. Run: python tools/bench/paired_bootstrap.py
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time

import numpy as np
import pandas as pd

from vdes.statistics.paired_bootstrap import paired_bootstrap

ARMS = 10
PATIENTS = 1000
RESAMPLES = 10_000
SEED = 0


def arms(cases_per_patient: int) -> dict[str, pd.DataFrame]:
    """Return tables of predictions that are better than chance; three in ten patients are malignant."""
    random = np.random.default_rng(SEED)
    n = PATIENTS * cases_per_patient
    malignant = np.repeat(random.random(PATIENTS) < 0.3, cases_per_patient)
    cases = pd.DataFrame(
        {
            "case": [f"case{number}" for number in range(n)],
            "patient": [f"P{number // cases_per_patient}" for number in range(n)],
            "malignant": malignant.astype(int),
            "threshold": 0.5,
        }
    )
    return {f"arm{arm}": cases.assign(probability=0.3 * malignant + 0.7 * random.random(n)) for arm in range(ARMS)}


def measure(cases_per_patient: int, results: multiprocessing.Queue[tuple[float, float, float]]) -> None:
    """Put wall seconds, processor seconds and the growth of this process in MiB."""
    tables = arms(cases_per_patient)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, processor = time.perf_counter(), time.process_time()
    paired_bootstrap(tables, "arm0", ("f1", "auc"), RESAMPLES, SEED)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    results.put((wall, processor, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def main() -> None:
    """Measure each set in its own process and print a table."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{ARMS} arms, {PATIENTS} patients, {RESAMPLES} resamples, F1 and AUC with their differences")
    print("cases a patient  wall s  processor s  added memory MiB")
    context = multiprocessing.get_context("spawn")
    for cases_per_patient in (1, 4):
        results: multiprocessing.Queue[tuple[float, float, float]] = context.Queue()
        process = context.Process(target=measure, args=(cases_per_patient, results))
        process.start()
        wall, processor, memory = results.get()
        process.join()
        print(f"{cases_per_patient:15d}  {wall:6.2f}  {processor:11.2f}  {memory:16.0f}", flush=True)


if __name__ == "__main__":
    main()
