"""DeLong's test of the areas under two correlated ROC curves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from vdes.errors import InputError


class DeLongTest(NamedTuple):
    """Two areas under the ROC curve on the same cases, and the test of their difference."""

    first: float
    second: float
    difference: float  # first minus second
    low: float
    high: float
    standard_error: float
    z: float
    p_value: float


def delong_covariance(malignant: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the areas under the ROC curves of several scores of the same cases and the covariance of these areas.

    The structural components of DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated
    receiver operating characteristic curves: a nonparametric approach", Biometrics 44(3), 1988, with the midranks of
    Sun and Xu, "Fast implementation of DeLong's algorithm for comparing the areas under correlated receiver operating
    characteristic curves", IEEE Signal Processing Letters 21(11), 2014.

    Cases are treated as independent. The views and breasts of one patient are not, and the covariance is then too
    small. Pass one case per patient, or use `vdes.statistics.paired_bootstrap.paired_bootstrap`.

    Args:
        malignant: labels (N,), 0 or 1, two or more of each.
        scores: (A, N) finite numbers, one row per arm; higher means more likely malignant. Ties count half.

    Returns:
        Areas (A,) in [0, 1] and their covariance (A, A).

    Raises:
        InputError: shapes differ, values are out of range, or a class has fewer than two cases.
    """
    below, above = placements(malignant, scores)
    covariance = np.atleast_2d(np.cov(below)) / below.shape[1] + np.atleast_2d(np.cov(above)) / above.shape[1]
    return below.mean(axis=1), covariance


def placements(malignant: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the structural components of several areas under the ROC curve: the rank of each case in the other class.

    Args:
        malignant: labels (N,), 0 or 1, two or more of each.
        scores: (A, N) finite numbers; higher means more likely malignant. Ties count half.

    Returns:
        For each of the M malignant cases the share of the other cases below it, (A, M), and for each of the K other
        cases the share of malignant cases above it, (A, K). The means of both are the areas.

    Raises:
        InputError: as `delong_covariance`.
    """
    values, labels = np.asarray(scores, dtype=float), np.asarray(malignant, dtype=float)
    if values.ndim != 2 or labels.shape != values.shape[1:]:
        raise InputError(f"malignant, scores: expected (N,) and (A, N), got {labels.shape} and {values.shape}")
    if not np.isin(labels, (0, 1)).all() or not np.isfinite(values).all():
        raise InputError("malignant, scores: expected labels of 0 or 1 and finite scores")
    malignant_scores, other_scores = values[:, labels == 1], values[:, labels == 0]
    n_malignant, n_others = malignant_scores.shape[1], other_scores.shape[1]
    if min(n_malignant, n_others) < 2:
        raise InputError(f"malignant: expected two or more of each class, got {n_malignant} of 1 and {n_others} of 0")

    together = scipy.stats.rankdata(np.concatenate([malignant_scores, other_scores], axis=1), axis=1)
    below = (together[:, :n_malignant] - scipy.stats.rankdata(malignant_scores, axis=1)) / n_others
    above = 1 - (together[:, n_malignant:] - scipy.stats.rankdata(other_scores, axis=1)) / n_malignant
    return below, above


def delong_test(malignant: ArrayLike, first: ArrayLike, second: ArrayLike, level: float = 0.95) -> DeLongTest:
    """Test whether two scores of the same cases have the same area under the ROC curve.

    Two-sided, with the normal distribution; cases are treated as independent, see `delong_covariance`.

    Args:
        malignant: labels (N,), 0 or 1, two or more of each.
        first: scores (N,) of one arm.
        second: scores (N,) of the other.
        level: level of the interval of the difference.

    Returns:
        The areas, first minus second with its interval and standard error, z and p-value; z is 0 and p is 1 if both
        rank all cases the same.

    Raises:
        InputError: as `delong_covariance`, or the level is out of range.
    """
    if not 0 < level < 1:
        raise InputError(f"level: expected a number in (0, 1), got {level}")
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.shape != other.shape or one.ndim != 1:
        raise InputError(f"first, second: expected (N,) and (N,), got {one.shape} and {other.shape}")
    areas, covariance = delong_covariance(malignant, np.stack([one, other]))
    difference = float(areas[0] - areas[1])
    contrast = np.array([1, -1])
    error = float(np.sqrt(max(contrast @ covariance @ contrast, 0)))
    z = difference / error if error > 0 else np.copysign(np.inf, difference) if difference else 0.0
    reach = float(scipy.stats.norm.isf((1 - level) / 2)) * error
    return DeLongTest(
        first=float(areas[0]),
        second=float(areas[1]),
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        standard_error=error,
        z=float(z),
        p_value=float(2 * scipy.stats.norm.sf(abs(z))),
    )
