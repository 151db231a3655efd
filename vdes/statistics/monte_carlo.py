"""Shares of simulated studies."""

from __future__ import annotations

import scipy.stats

from vdes.statistics.bootstrap import Interval


def share(count: int, studies: int) -> Interval:
    """Return a share of the studies with its exact 95 % Monte Carlo interval (Clopper and Pearson, 1934)."""
    found = scipy.stats.binomtest(int(count), int(studies))
    interval = found.proportion_ci(0.95, method="exact")
    return Interval(float(found.statistic), float(interval.low), float(interval.high))
