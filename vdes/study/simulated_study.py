"""The verdict of a simulated study, from the functions that judge real studies."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from vdes.statistics.bootstrap import Interval, level_for, percentile_interval, tail_of
from vdes.statistics.resampled_metrics import resampled_cases
from vdes.study.drawn_study import DrawnStudy
from vdes.study.question import Question
from vdes.study.verdicts import CHANCE, verdict_on

RESAMPLES = 500  # bootstrap samples of a simulated study
FEW = 100  # bootstrap samples that show whether the reference is plainly better than chance
PLAIN = 5  # standard errors; a 95 % interval reaches 2


class Judged(NamedTuple):
    """The verdict on a difference, with its interval, as `vdes.study.verdicts` and `paired_bootstrap` give them."""

    verdict: str
    difference: Interval
    standard_error: float
    patients_needed: int | None


def as_simulated(question: Question) -> Question:
    """Return the question with fewer bootstrap samples, at a level whose bounds are passed as often as before."""
    if question.n_resamples <= RESAMPLES:
        return question
    tail = tail_of(question.n_resamples, question.confidence)
    return replace(question, n_resamples=RESAMPLES, confidence=level_for(tail, RESAMPLES))


def judged(drawn: DrawnStudy, question: Question, seed: int) -> Judged:
    """Judge a simulated study, as `vdes.statistics.paired_bootstrap` and `vdes.study.verdicts` judge a real one.

    It is taken to be right, which saves most of the time of a small study.

    Args:
        drawn: the study, of one level.
        question: metric, margin, power, confidence and number of bootstrap samples.
        seed: of the bootstrap.

    Raises:
        InputError: the metric is unknown or the number of samples out of range.
    """
    metric, samples = question.metric, (question.n_resamples, seed)
    both = {"arm": drawn.arm, "reference": drawn.reference}
    values, resampled = resampled_cases(both, drawn.patients, [metric], *samples)
    drawn_differences = resampled["arm", metric] - resampled["reference", metric]
    value = values["arm", metric] - values["reference", metric]
    difference = percentile_interval(value, drawn_differences, question.confidence)
    error = float(np.nanstd(drawn_differences, ddof=1)) if np.isfinite(difference.low) else np.nan
    lowest = _lowest_auc(drawn, question, seed)
    found = verdict_on(difference, error, int(drawn.patients.max()) + 1, lowest, question)
    return Judged(found.verdict, difference, error, found.patients_needed)


def _lowest_auc(drawn: DrawnStudy, question: Question, seed: int) -> float:
    """Return the lower bound of the reference's AUC, from fewer samples where it is plainly above chance."""
    low = np.nan
    for samples in (min(FEW, question.n_resamples), question.n_resamples):
        values, resampled = resampled_cases({"": drawn.reference}, drawn.patients, ["auc"], samples, seed)
        areas = resampled["", "auc"]
        low = percentile_interval(values["", "auc"], areas, question.confidence).low
        if np.isfinite(low) and np.mean(areas) - PLAIN * np.std(areas) > CHANCE:
            break
    return low
