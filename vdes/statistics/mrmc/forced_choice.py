"""Forced choice between real and virtual images: proportions of right answers, tested against chance."""

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
    """Right answers of one reader: share with exact interval, and the exact two-sided p-value against guessing."""

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
        InputError: there is no answer, a value is neither 0 nor 1, or the confidence is out of range.
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
    """Return the share of right answers over readers who judged the same cases, and its test against chance.

    Answers to the same case are not independent, nor are answers of the same reader, so counts are not pooled; see
    `vdes.statistics.mrmc.obuchowski_rockette.modality_value`. If all answers are the same, there is no variance to
    estimate from; the readers then count as one, see `reader_choices`.

    Args:
        right: (R, N) of 0 and 1.
        readers: ``random`` or ``fixed``.
        confidence: of the interval.

    Raises:
        InputError: the shape or the values are wrong, or there are fewer than two cases or only one random reader.
    """
    answers = np.asarray(right, dtype=float)
    found = modality_value(share_merits(answers[None]), 0, readers, confidence, CHANCE)
    if np.isnan(found.low):
        one = reader_choices(answers[0], confidence)
        return found._replace(low=one.share.low, high=one.share.high, p_value=one.p_value)
    return found
