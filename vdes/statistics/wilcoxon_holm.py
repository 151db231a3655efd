"""Wilcoxon's signed-rank test for several comparisons, with Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from vdes.errors import InputError

COLUMNS = ["comparison", "pairs", "median", "statistic", "p_value", "p_holm"]


def wilcoxon_holm(differences: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Test for each comparison whether its paired differences are symmetric around 0.

    Two-sided; differences of 0 are excluded from the ranks (Wilcoxon, Biometrics Bulletin 1(6), 1945). The p-values are
    corrected for the number of comparisons (Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6(2), 1979).

    Pairs are treated as independent. Cases of one patient are not: pass one difference per patient, such as the mean
    over the patient's cases.

    Args:
        differences: by comparison, (N,) paired differences; NaN are ignored.

    Returns:
        One row per comparison: the number of ``pairs``, their ``median`` difference, Wilcoxon's ``statistic`` (the
        smaller sum of ranks), ``p_value`` (1 if all differences are 0) and ``p_holm``.

    Raises:
        InputError: there is no comparison, or one has no number or an infinite one.
    """
    if not differences:
        raise InputError("differences: expected one comparison or more")
    rows = []
    for name, values in differences.items():
        pairs = np.asarray(values, dtype=float)
        if pairs.ndim != 1 or np.isinf(pairs).any() or np.isnan(pairs).all():
            raise InputError(f"differences: {name}: expected (N,) finite numbers")
        pairs = pairs[~np.isnan(pairs)]
        statistic, p_value = scipy.stats.wilcoxon(pairs) if pairs.any() else (0.0, 1.0)
        rows.append((name, len(pairs), float(np.median(pairs)), float(statistic), float(p_value)))
    table = pd.DataFrame(rows, columns=COLUMNS[:-1])
    return table.assign(p_holm=multipletests(table["p_value"], method="holm")[1])
