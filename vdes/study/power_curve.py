"""Power over the number of patients, fitted near an answer to simulated studies of several sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats

from vdes.statistics.bootstrap import Interval

WINDOW = 1.6  # factor up to which other sizes tell of an answer: power follows the curve only nearby
CERTAIN = 0.5  # standard deviation of the curve's start around the quantile of the interval, before any study
FLATTEST = 0.25  # least slope, of that from the quantile


class Power(NamedTuple):
    """In how many simulated studies of a size the arm was non-inferior."""

    patients: int
    non_inferior: int
    studies: int


def patients_at(power: float, points: Sequence[Power], near: float, confidence: float) -> Interval:
    """Return the number of patients at which a fitted curve reaches a power.

    The curve is ``Phi(a + b * sqrt(patients))``, fitted by weighted least squares of the quantiles of the powers to the
    sizes within a factor of `WINDOW`, or else to the closest. With many patients ``a`` is the quantile of the study's
    interval, so it is expected there, up to `CERTAIN`: one size then suffices for a curve, and the more studies there
    are of several sizes, the more they decide.

    Args:
        power: in (0, 1).
        points: of simulated studies, one or more.
        near: number of patients around which is fitted.
        confidence: of the study's two-sided interval.

    Returns:
        The number with its 95 % interval by the delta method; all above 0, and not rounded.
    """
    sizes, counts, studies = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    far = np.abs(np.log(sizes / near))
    chosen = far <= max(np.log(WINDOW), far.min())
    roots, counts, studies = np.sqrt(sizes[chosen]), counts[chosen], studies[chosen]
    shares = (counts + 0.5) / (studies + 1)  # a share of 0 or 1 has no quantile
    quantiles = scipy.stats.norm.ppf(shares)
    weights = studies * scipy.stats.norm.pdf(quantiles) ** 2 / (shares * (1 - shares))
    expected = scipy.stats.norm.ppf((1 - confidence) / 2)
    design = np.stack([np.ones_like(roots), roots])
    precision = (weights * design) @ design.T + np.diag([CERTAIN**-2, 0])
    covariance = np.linalg.inv(precision)
    start, slope = covariance @ (design @ (weights * quantiles) + np.array([expected * CERTAIN**-2, 0]))

    centre, level = np.average(roots, weights=weights), np.average(quantiles, weights=weights)
    flattest = FLATTEST * max(level - expected, 0.1) / centre
    if slope < flattest:
        start, slope = level - flattest * centre, flattest
    root = max(scipy.stats.norm.ppf(power) - start, 0.1) / slope
    gradient = np.array([1, root])
    reach = scipy.stats.norm.isf(0.025) * np.sqrt(gradient @ covariance @ gradient) / slope
    return Interval(float(root**2), float(max(root - reach, 1) ** 2), float((root + reach) ** 2))
