"""Free-response ROC: lesions found against false marks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vdes.errors import InputError


class FrocCurve(NamedTuple):
    """Share of lesions found (K,) at false marks a case (K,), from the strictest threshold to none; begins at 0, 0."""

    false_marks: np.ndarray
    sensitivity: np.ndarray


def froc_curve(ratings: ArrayLike, found: ArrayLike, lesions: ArrayLike, false_marks: ArrayLike) -> FrocCurve:
    """Return the curve of one reader in one modality, every mark with the rating of its case.

    Bunch, Hamilton, Sanderson and Simmons, "A free response approach to the measurement and characterization of
    radiographic observer performance", Proc SPIE 127, 1977.

    Args:
        ratings: (N,) finite numbers, the higher the more suspicious.
        found: (N,) lesions of the case on which a mark lies.
        lesions: (N,) lesions of the case, of which one or more in all.
        false_marks: (N,) marks that lie on no lesion.

    Raises:
        InputError: on shapes that differ, negative counts, more lesions found than there are, or no lesion.
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
