"""McNemar's exact test of two classifiers' decisions on the same cases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from vdes.errors import InputError


class McNemarTest(NamedTuple):
    """Numbers of cases that both, one or none of two classifiers get right, and the test of the discordant ones."""

    both_right: int
    first_only: int
    second_only: int
    none_right: int
    p_value: float


def mcnemar_test(malignant: ArrayLike, first: ArrayLike, second: ArrayLike) -> McNemarTest:
    """Test whether two classifiers are right equally often, by the cases that only one of them gets right.

    Exact and two-sided: under the null hypothesis either is right with a probability of one half (McNemar,
    Psychometrika 12(2), 1947). Cases are treated as independent. The views and breasts of one patient are not: pass one
    case per patient.

    Args:
        malignant: labels (N,), 0 or 1.
        first: decisions (N,) of one classifier, 0 or 1.
        second: decisions (N,) of the other.

    Returns:
        Counts and p-value; 1 if both are right in the same cases.

    Raises:
        InputError: shapes differ, there is no case, or a value is not 0 or 1.
    """
    labels, one, other = (np.asarray(values, dtype=float) for values in (malignant, first, second))
    if labels.ndim != 1 or labels.size == 0 or not labels.shape == one.shape == other.shape:
        raise InputError(
            f"malignant, first, second: expected three of (N,), got {labels.shape}, {one.shape} and {other.shape}"
        )
    if not np.isin([labels, one, other], (0, 1)).all():
        raise InputError("malignant, first, second: expected 0 or 1")
    right, also_right = one == labels, other == labels
    first_only, second_only = int((right & ~also_right).sum()), int((~right & also_right).sum())
    differ = first_only + second_only
    return McNemarTest(
        both_right=int((right & also_right).sum()),
        first_only=first_only,
        second_only=second_only,
        none_right=int((~right & ~also_right).sum()),
        p_value=float(scipy.stats.binomtest(first_only, differ).pvalue) if differ else 1.0,
    )
