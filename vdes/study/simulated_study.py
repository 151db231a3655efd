"""The verdict of a simulated study, from the functions that judge real studies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.question import Question
from vdes.study.verdicts import verdicts


class Judged(NamedTuple):
    """The verdict on a difference, with its interval, as `vdes.study.verdicts` and `paired_bootstrap` give them."""

    verdict: str
    low: float
    high: float
    standard_error: float
    patients_needed: int | None


def judged(drawn: Mapping[str, pd.DataFrame], question: Question, seed: int) -> Judged:
    """Judge a simulated study.

    Args:
        drawn: the predictions of ``arm`` and ``reference``, of one level.
        question: metric, margin, power, confidence and number of bootstrap samples.
        seed: of the bootstrap.

    Raises:
        InputError: as `paired_bootstrap`.
    """
    metrics = dict.fromkeys((question.metric, "auc"))
    found = paired_bootstrap(drawn, "reference", metrics, question.n_resamples, seed, question.confidence)
    (verdict,) = verdicts(found.assign(reference="reference"), question)
    chosen = found[(found["statistic"] == "difference") & (found["metric"] == question.metric)]
    low, high, error = (float(chosen[name].iloc[0]) for name in ("low", "high", "standard_error"))
    return Judged(verdict["verdict"], low, high, error, verdict["patients_needed"])
