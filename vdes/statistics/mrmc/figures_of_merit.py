"""Figures of merit of every reader in every modality, and their covariance from the shared cases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vdes.errors import InputError
from vdes.statistics.delong import delong_covariance, placements

COVARIANCES = ("jackknife", "delong")


class Merits(NamedTuple):
    """Figures of merit (M, R) of M modalities and R readers, and their covariance (M * R, M * R), modality by modality.

    The covariance is over samples of cases, with the readers held fixed.
    """

    values: np.ndarray
    covariance: np.ndarray


def auc_merits(malignant: ArrayLike, ratings: ArrayLike, covariance: str = "jackknife") -> Merits:
    """Return the empirical areas under the ROC curves.

    The covariance comes from the jackknife, leaving out one case at a time (Efron, "The Jackknife, the Bootstrap and
    Other Resampling Plans", 1982; for reader studies Dorfman, Berbaum and Metz, Investigative Radiology 27(9), 1992),
    or from the method of DeLong et al., see `vdes.statistics.delong.delong_covariance`.

    Args:
        malignant: labels (N,), 0 or 1, at least two of each.
        ratings: (M, R, N) finite numbers, higher for more likely malignant. Ties count half.
        covariance: one of `COVARIANCES`.

    Raises:
        InputError: shapes differ, values are out of range, or a class has fewer than two cases.
    """
    values = _cube(ratings)
    if covariance not in COVARIANCES:
        raise InputError(f"covariance: {covariance!r}; expected one of {', '.join(COVARIANCES)}")
    rows = values.reshape(-1, values.shape[-1])
    if covariance == "delong":
        areas, between = delong_covariance(malignant, rows)
        return Merits(areas.reshape(values.shape[:2]), between)
    below, above = placements(malignant, rows)
    areas = below.mean(axis=1)
    # the areas with one malignant case left out, then with one other case left out
    n_malignant, n_others = below.shape[1], above.shape[1]
    without = np.concatenate(
        [
            (areas[:, None] * n_malignant - below) / (n_malignant - 1),
            (areas[:, None] * n_others - above) / (n_others - 1),
        ],
        axis=1,
    )
    around = without - without.mean(axis=1, keepdims=True)
    cases = without.shape[1]
    return Merits(areas.reshape(values.shape[:2]), around @ around.T * (cases - 1) / cases)


def located_auc_merits(
    malignant: ArrayLike, ratings: ArrayLike, located: ArrayLike, covariance: str = "jackknife"
) -> Merits:
    """Return the areas under the ROC curves in which a malignant case counts only if its lesion was marked.

    A malignant case whose lesion was not marked is ranked below all others, regardless of its rating, because it was
    called for the wrong reason. This is the Wilcoxon area under the localisation ROC curve (Swensson, "Unified
    measurement of observer performance in detecting and localizing target objects on images", Medical Physics
    23(10), 1996). Guessing gives less than .5 here.

    Args:
        malignant: as in `auc_merits`.
        ratings: as in `auc_merits`.
        located: (M, R, N), whether a mark lies on the lesion; ignored for cases that are not malignant.
        covariance: as in `auc_merits`.

    Raises:
        InputError: as `auc_merits`, or the marks have another shape.
    """
    values, hits = _cube(ratings), np.asarray(located, dtype=bool)
    if hits.shape != values.shape:
        raise InputError(f"located: expected the ratings' shape {values.shape}, got {hits.shape}")
    lost = ~hits & (np.asarray(malignant, dtype=float) == 1)
    return auc_merits(malignant, np.where(lost, values.min() - 1, values), covariance)


def share_merits(answers: ArrayLike) -> Merits:
    """Return shares of yes-or-no answers, such as sensitivity among malignant cases, or correct forced choices.

    The covariance is the unbiased one of means, which is also what the jackknife over these cases gives.

    Args:
        answers: (M, R, N) of 0 and 1, with N of 2 or more.

    Raises:
        InputError: the shape or the values are wrong, or there are fewer than two cases.
    """
    values = _cube(answers)
    if not np.isin(values, (0, 1)).all():
        raise InputError("answers: expected 0 or 1")
    if values.shape[-1] < 2:
        raise InputError(f"answers: expected two or more cases, got {values.shape[-1]}")
    rows = values.reshape(-1, values.shape[-1])
    return Merits(values.mean(axis=-1), np.atleast_2d(np.cov(rows)) / rows.shape[1])


def _cube(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 3 or array.size == 0:
        raise InputError(f"expected (modalities, readers, cases), one or more of each, got {array.shape}")
    return array
