"""A value and its interval as text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def interval_text(
    value: float | None,
    low: float | None,
    high: float | None,
    form: str | Callable[[float | None], str] = ".3f",
    note: str = "",
) -> str:
    """Return ``value (low to high)``; without bounds, the value alone.

    Args:
        value: the estimate.
        low: lower bound; None or NaN if there is none.
        high: upper bound.
        form: format of each number: a format specification, or a function that formats it.
        note: further text in the brackets, after the bounds.

    Example:
        >>> interval_text(0.8123, 0.75, 0.9)
        '0.812 (0.750 to 0.900)'
        >>> interval_text(0.8123, None, None, ".2f")
        '0.81'

    """
    write = form if callable(form) else f"{{:{form}}}".format
    text = write(value)
    return text if low is None or np.isnan(low) else f"{text} ({write(low)} to {write(high)}{note})"
