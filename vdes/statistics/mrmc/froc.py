"""Free-response ROC: lesions found against false marks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vdes.errors import InputError


class FrocCurve(NamedTuple):
    """Share of lesions found (K,) against false marks per case (K,), strictest threshold first; begins at 0, 0."""

    false_marks: np.ndarray
    sensitivity: np.ndarray


def froc_curve(ratings: ArrayLike, found: ArrayLike, lesions: ArrayLike, false_marks: ArrayLike) -> FrocCurve:
    """Return the curve of one reader in one modality, with every mark rated as its case.

    Bunch, Hamilton, Sanderson and Simmons, "A free response approach to the measurement and characterization of
    radiographic observer performance", Proc SPIE 127, 1977.

    Args:
        ratings: (N,) finite numbers, higher for more suspicious.
        found: (N,) number of the case's lesions that were marked.
        lesions: (N,) number of lesions in the case; at least one over all cases.
        false_marks: (N,) number of marks that lie on no lesion.

    Raises:
        InputError: shapes differ, a count is negative, more lesions are found than exist, or there is no lesion.
    """
    arrays = [np.asarray(values, dtype=float) for values in (ratings, found, lesions, false_marks)]
    rating, hits, there, false = arrays
    if rating.ndim != 1 or any(array.shape != rating.shape for array in arrays):
        raise InputError(f"expected four times (N,), got {', '.join(str(array.shape) for array in arrays)}")
    if not np.isfinite(arrays).all() or min(hits.min(), false.min()) < 0 or (hits > there).any():
        raise InputError("expected finite ratings, counts of 0 or more, and no more lesions found than there are")
    if there.sum() < 1:
        raise InputError("lesions: expected one or more in all, got 0")
    order = np.argsort(-rating, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(rating[order])), rating.size - 1)  # the last case of each rating
    return FrocCurve(
        np.append(0.0, np.cumsum(false[order])[ends] / rating.size),
        np.append(0.0, np.cumsum(hits[order])[ends] / there.sum()),
    )
