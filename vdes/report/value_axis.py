"""The axis of a plot drawn by the page: values to positions in per cent of its width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

TICKS = 5


@dataclass(frozen=True)
class ValueAxis:
    """An axis from ``low`` to ``high`` with ticks at round values."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return the position of a value in per cent of the axis, clipped to its ends."""
        return round(float(np.clip((value - self.low) / (self.high - self.low), 0, 1)) * 100, 2)

    @property
    def digits(self) -> int:
        """Number of decimals that distinguish the ticks."""
        step = self.ticks[1] - self.ticks[0]
        return max(0, -int(np.floor(np.log10(step) + 1e-9))) + (1 if f"{step:.2e}".startswith("2.5") else 0)


def value_axis(values: Iterable[float | None]) -> ValueAxis:
    """Return an axis that covers all values; None and NaN are ignored.

    Args:
        values: at least two that differ, such as bounds of intervals, 0 and a margin.

    """
    known = np.array([value for value in values if value is not None], dtype=float)
    known = known[np.isfinite(known)]
    reach = 0.04 * (known.max() - known.min())
    ticks = MaxNLocator(TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(known.min() - reach, known.max() + reach)
    low, high = min(known.min() - reach, ticks[1]), max(known.max() + reach, ticks[-2])
    inside = tuple(float(tick) for tick in np.round(ticks, 9) if low <= tick <= high)
    return ValueAxis(float(low), float(high), inside)
