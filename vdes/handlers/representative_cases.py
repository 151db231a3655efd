"""Which cases a picture sheet shows, so that nobody has to pick them."""

from __future__ import annotations

import pandas as pd

from vdes.errors import InputError


def representative_cases(rows: pd.DataFrame, metric: str = "psnr_breast", method: str = "virtual_des") -> pd.Series:
    """Choose the best, the median and the worst case by the gain over the constant level.

    The gain, not the figure itself: a breast of even grey gives a high PSNR to any prediction.

    Args:
        rows: the per-case table with the methods ``method`` and ``constant``.
        metric: a column where more is better.
        method: whose gain.

    Returns:
        Series of three gains named by case, in the order best, median (the better of two), worst.

    Raises:
        InputError: with fewer than three cases that have the metric in both methods.

    """
    table = rows.pivot(index="case", columns="method", values=metric)
    gain = (table[method] - table["constant"]).dropna().sort_index().sort_values(ascending=False, kind="stable")
    if len(gain) < 3:
        raise InputError(f"per-case table: expected at least 3 cases with `{metric}`, got {len(gain)}")
    return gain.iloc[[0, (len(gain) - 1) // 2, -1]]
