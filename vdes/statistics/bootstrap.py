"""Patient-cluster bootstrap intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vdes.errors import InputError

BLOCK = 1_000_000  # resampled patients held in memory at a time


class Interval(NamedTuple):
    """An estimate and its confidence interval."""

    value: float
    low: float
    high: float


def cluster_bootstrap_mean(
    values: ArrayLike, clusters: ArrayLike, n_resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Return the mean over cases and its percentile interval with whole patients resampled.

    A patient's views and breasts are alike, so cases are not independent and an interval from resampled cases is too
    narrow. Patients are drawn with replacement, each with all of its cases, and the mean is over the cases drawn
    (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).

    For a paired comparison pass the differences: both arms are then resampled alike.

    Args:
        values: (N,) one number a case; NaN are left out.
        clusters: (N,) the patient of each case.
        n_resamples: number of bootstrap samples.
        seed: of `numpy.random.default_rng`; the same seed and patients give the same resampling.
        level: of the two-sided percentile interval.

    Returns:
        Mean, lower and upper bound. The bounds are NaN with fewer than two patients or with an infinite value; all
        three are NaN without a value. With few patients (under about 20) percentile intervals are too narrow.

    Raises:
        InputError: on lengths that differ, a missing patient, or a number of resamples or a level out of range.
    """
    values = np.asarray(values, dtype=float)
    return cluster_bootstrap_ratio(values, np.ones_like(values), clusters, n_resamples, seed, level)


def cluster_bootstrap_ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the ratio of two sums over cases and its percentile interval with whole patients resampled.

    Where single ratios explode because a denominator is near 0, the ratio of the means does not.

    Args:
        numerators: (N,) one number a case.
        denominators: (N,) one number a case; a case with a NaN in either is left out.
        clusters: (N,) the patient of each case.
        n_resamples: as in `cluster_bootstrap_mean`.
        seed: as in `cluster_bootstrap_mean`.
        level: as in `cluster_bootstrap_mean`.

    Returns:
        As in `cluster_bootstrap_mean`.

    Raises:
        InputError: as in `cluster_bootstrap_mean`.
    """
    over, under = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    patients = pd.Series(clusters)
    if not over.shape == under.shape == patients.shape:
        raise InputError(f"values and clusters: lengths differ, {over.shape}, {under.shape} and {patients.shape}")
    if patients.isna().any():
        raise InputError(f"clusters: case {int(patients.isna().argmax())} has no patient")
    if n_resamples < 1 or not 0 < level < 1:
        raise InputError(f"n_resamples, level: expected 1 or more and a level in (0, 1), got {n_resamples} and {level}")

    known = ~(np.isnan(over) | np.isnan(under))
    if not known.any():
        return Interval(np.nan, np.nan, np.nan)
    codes, names = pd.factorize(patients[known], sort=True)
    sums = np.stack([np.bincount(codes, weights=x[known]) for x in (over, under)], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.divide(*sums.sum(axis=0)))
        if len(names) < 2 or not np.isfinite(sums).all():
            return Interval(value, np.nan, np.nan)
        drawn = _resampled_sums(sums, n_resamples, seed)
        ratios = drawn[:, 0] / drawn[:, 1]
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def _resampled_sums(sums: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Return (n_resamples, 2) sums over clusters drawn with replacement from ``sums`` (clusters, 2)."""
    rng = np.random.default_rng(seed)
    n = len(sums)
    rows = max(1, BLOCK // n)
    blocks = []
    for start in range(0, n_resamples, rows):
        size = min(rows, n_resamples - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        blocks.append(counts @ sums)
    return np.concatenate(blocks)
