"""Choose the cases of a picture sheet by a rule instead of by hand."""

from __future__ import annotations

import pandas as pd

from vdes.errors import InputError
from vdes.metrics.fidelity import COLUMNS


def representative_cases(rows: pd.DataFrame, metric: str = "psnr_breast", method: str = "virtual_des") -> pd.Series:
    """Choose the best, the median and the worst case by the gain over the constant level.

    The gain is used, not the metric itself, because any prediction has a high PSNR on a uniformly grey breast.

    Args:
        rows: the per-case table with the methods ``method`` and ``constant``.
        metric: one of `vdes.metrics.fidelity.COLUMNS`.
        method: the method whose gain is used.

    Returns:
        Series of three gains, above 0 if the method is better than the constant level, indexed by case, in the order
        best, median (the better of two), worst.

    Raises:
        InputError: the metric is unknown, or fewer than three cases have it for both methods.

    """
    if metric not in COLUMNS:
        raise InputError(f"metric: {metric!r}; expected one of {', '.join(COLUMNS)}")
    table = rows.pivot(index="case", columns="method", values=metric)
    gain = (table[method] - table["constant"]) * (1 if COLUMNS[metric].more_is_better else -1)
    gain = gain.dropna().sort_index().sort_values(ascending=False, kind="stable")
    if len(gain) < 3:
        raise InputError(f"per-case table: expected at least 3 cases with `{metric}`, got {len(gain)}")
    return gain.iloc[[0, (len(gain) - 1) // 2, -1]]
