"""Which of the two is the real one? Shares of right answers against chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from vdes.errors import InputError
from vdes.statistics.bootstrap import Interval
from vdes.statistics.mrmc.figures_of_merit import share_merits
from vdes.statistics.mrmc.obuchowski_rockette import Estimate, modality_value

CHANCE = 0.5


class Choices(NamedTuple):
    """Right answers of one reader: share with the exact interval, and the exact two-sided p-value of guessing."""

    right: int
    cases: int
    share: Interval
    p_value: float


def reader_choices(right: ArrayLike, confidence: float = 0.95) -> Choices:
    """Return one reader's share of right answers with the interval of Clopper and Pearson, and the binomial test.

    Args:
        right: (N,) of 0 and 1, one or more.
        confidence: of the interval.

    Raises:
        InputError: on no answer, other values or a confidence out of range.
    """
    answers = np.asarray(right, dtype=float)
    if answers.ndim != 1 or answers.size == 0 or not np.isin(answers, (0, 1)).all():
        raise InputError("right: expected one or more answers of 0 or 1")
    if not 0 < confidence < 1:
        raise InputError(f"confidence: expected a number in (0, 1), got {confidence}")
    test = scipy.stats.binomtest(int(answers.sum()), answers.size, CHANCE)
    interval = test.proportion_ci(confidence, method="exact")
    share = Interval(float(test.statistic), float(interval.low), float(interval.high))
    return Choices(int(answers.sum()), answers.size, share, float(test.pvalue))


def choices_of_all(right: ArrayLike, readers: str = "random", confidence: float = 0.95) -> Estimate:
    """Return the share of right answers over readers, who judged the same cases, and its test against chance.

    Neither answers to one case nor answers of one reader are independent, so counts are not pooled; see
    `vdes.statistics.mrmc.obuchowski_rockette.modality_value`.

    Args:
        right: (R, N) of 0 and 1.
        readers: ``random`` or ``fixed``.
        confidence: of the interval.

    Raises:
        InputError: on another shape or other values, fewer than two cases, or one random reader.
    """
    return modality_value(share_merits(np.asarray(right, dtype=float)[None]), 0, readers, confidence, CHANCE)
