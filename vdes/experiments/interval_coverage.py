"""How often the intervals of a study's report hold the truth, for every metric and level.

Writes a JSON file, and the page of the same name beside it.

    vdes experiment coverage --output docs/results/coverage.json
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from tqdm import tqdm

from vdes.data.staging import new_folder, staged
from vdes.data.versions import versions
from vdes.experiments.coverage_page import page
from vdes.experiments.settings import IntervalCoverage
from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.binormal_scores import CASES, BinormalScores, of_sensitivity
from vdes.study.question import Question
from vdes.study.simulated_study import as_simulated

PATIENTS = (60, 120)
MALIGNANT = 1 / 3  # of the patients
SENSITIVITY, SPECIFICITY = (0.8, 0.9), (0.8, 0.85)  # of the arm and of its reference
CORRELATION, WITHIN = 0.6, 0.5  # of the arms' scores of a case, and of two cases of a patient
ROUNDING = 1e-9  # of metrics that are equal on paper


def population(level: str) -> BinormalScores:
    """Return the patients of a level."""
    arm, reference = (of_sensitivity(*values) for values in zip(SENSITIVITY, SPECIFICITY, strict=True))
    return BinormalScores(arm, reference, MALIGNANT, *CASES[level], CORRELATION, WITHIN)


def covered(level: str, patients: int, studies: int, seed: int) -> list[dict[str, Any]]:
    """Return how many intervals hold the truth.

    Args:
        level: image, breast or examination.
        patients: of each study.
        studies: number of studies.
        seed: of the simulation; each level and number of patients has its own stream.

    Returns:
        A row per metric and statistic (``value`` of the arm, ``difference`` to its reference), with ``level``,
        ``patients``, ``studies``, ``covered`` and ``undefined`` (no interval, counted as not covered).
    """
    rng = np.random.default_rng([seed, patients, list(CASES).index(level)])
    of_patients, question = population(level), as_simulated(Question("arm"))
    truth = {}
    for metric in METRICS:
        own, reference = (of_patients.true_metric(metric, one) for one in (of_patients.arm, of_patients.reference))
        truth[metric, "value"], truth[metric, "difference"] = own, own - reference
    counts = {key: {"covered": 0, "undefined": 0} for key in truth}
    for _ in range(studies):
        tables, drawn_seed = of_patients.draw(patients, rng).tables(), int(rng.integers(2**31))
        found = paired_bootstrap(
            tables, "reference", METRICS, question.n_resamples, drawn_seed, confidence=question.confidence
        )
        for row in found[found["arm"] == "arm"].to_dict("records"):
            key = (row["metric"], row["statistic"])
            counts[key]["covered"] += row["low"] - ROUNDING <= truth[key] <= row["high"] + ROUNDING
            counts[key]["undefined"] += bool(np.isnan(row["low"]))
    named = {"level": level, "patients": patients, "studies": studies}
    return [{**named, "metric": metric, "statistic": what, **count} for (metric, what), count in counts.items()]


def write_coverage(settings: IntervalCoverage, overwrite: bool = False) -> dict[str, Any]:
    """Simulate the studies and write how often their intervals hold the truth, with the page.

    Args:
        settings: output, numbers and seed.
        overwrite: replace the files.

    Returns:
        What was written: ``seed``, ``studies``, ``resamples``, ``versions`` and ``rows``, as of `covered`.

    Raises:
        InputError: a file exists already or cannot be written.
    """
    targets = [settings.output, settings.output.with_suffix(".md")]
    asked = list(itertools.product(CASES, PATIENTS))
    # forked processes of a parent that may have threads can hang
    context = multiprocessing.get_context("spawn")
    with new_folder(settings.output.parent), staged(targets, overwrite) as stages:
        with ProcessPoolExecutor(settings.jobs, mp_context=context) as pool:
            running = [pool.submit(covered, *one, settings.studies, settings.seed) for one in asked]
            rows = [row for one in tqdm(running, desc="settings") for row in one.result()]
        found: dict[str, Any] = {
            "seed": settings.seed,
            "studies": settings.studies,
            "resamples": as_simulated(Question("arm")).n_resamples,
            "versions": versions(),
            "rows": rows,
        }
        text = json.dumps(found, indent=1, allow_nan=False) + "\n"
        stages[targets[0]].write_text(text, encoding="utf-8")
        stages[targets[1]].write_text(page(json.loads(text), settings.output), encoding="utf-8")
    return found
