"""Patient-cluster bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vdes.errors import InputError

BLOCK = 1_000_000  # resampled patients or cases held in memory at a time
MAX_UNDEFINED = 0.05  # share of undefined resamples beyond which there is no interval


class Interval(NamedTuple):
    """An estimate and its confidence interval."""

    value: float
    low: float
    high: float


def cluster_bootstrap_mean(
    values: ArrayLike, clusters: ArrayLike, n_resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Return the mean over cases and its percentile interval with whole patients resampled.

    The views and breasts of a patient are correlated, so an interval from resampled cases would be too
    narrow. Patients are drawn with replacement, each with all of its cases, and the mean is over the cases drawn
    (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).

    For a paired comparison pass the differences: both arms are then resampled together.

    Args:
        values: (N,) one number per case; NaN are ignored.
        clusters: (N,) the patient of each case.
        n_resamples: number of bootstrap samples.
        seed: seed of `numpy.random.default_rng`; the same seed and patients give the same resampling.
        level: level of the two-sided percentile interval.

    Returns:
        Mean, lower and upper bound. The bounds are NaN with fewer than two patients or with an infinite value; all
        three are NaN without a value. With few patients (under about 20) percentile intervals are too narrow.

    Raises:
        InputError: lengths differ, a patient is missing, or the number of resamples or the level is out of range.
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

    Unlike the mean of the ratios, the ratio of the means does not explode if a denominator is near 0.

    Args:
        numerators: (N,) one number per case.
        denominators: (N,) one number per case; a case with a NaN in either is ignored.
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
    _check_clusters(patients)
    _check_resamples(n_resamples)
    _check_level(level)

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


def cluster_bootstrap_weights(clusters: ArrayLike, n_resamples: int = 2000, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield how often each case is drawn with whole patients resampled, in blocks that bound the memory.

    For statistics that are not ratios of sums, such as an area under the ROC curve. Use the same weights for every arm
    to keep a comparison paired.

    Args:
        clusters: (N,) the patient of each case.
        n_resamples: as in `cluster_bootstrap_mean`.
        seed: as in `cluster_bootstrap_mean`: the same patients give the same resampling as there.

    Yields:
        (r, N) counts of 0 or more, float64; the r of all blocks sum to ``n_resamples``.

    Raises:
        InputError: there is no case, a patient is missing, or the number of resamples is out of range.
    """
    codes = cluster_codes(clusters)
    for counts in cluster_bootstrap_counts(codes, n_resamples, seed):
        yield counts[:, codes]


def cluster_bootstrap_counts(codes: np.ndarray, n_resamples: int = 2000, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield how often each patient is drawn, in blocks that bound the memory.

    For statistics that are made of sums over each patient's cases.

    Args:
        codes: (N,) the patients of the cases, as of `cluster_codes`.
        n_resamples: as in `cluster_bootstrap_mean`.
        seed: as in `cluster_bootstrap_mean`: the same patients give the same resampling as there.

    Yields:
        (r, patients) counts of 0 or more, float64; the r of all blocks sum to ``n_resamples``.

    Raises:
        InputError: the number of resamples is out of range.
    """
    _check_resamples(n_resamples)
    for counts in _resampled_counts(int(codes.max()) + 1, n_resamples, seed, len(codes)):
        yield counts.astype(float)


def cluster_codes(clusters: ArrayLike) -> np.ndarray:
    """Return the patients of the cases (N,) as numbers from 0, in the order of their names.

    Raises:
        InputError: there is no case, or a patient is missing.
    """
    patients = pd.Series(clusters)
    _check_clusters(patients)
    if patients.empty:
        raise InputError("clusters: expected one case or more")
    return np.asarray(pd.factorize(patients, sort=True)[0])


def percentile_interval(value: float, resampled: np.ndarray, level: float = 0.95) -> Interval:
    """Return an estimate with the percentile interval of its resamples.

    Args:
        value: the estimate.
        resampled: (n_resamples,) its resamples; undefined ones are NaN and are ignored.
        level: level of the two-sided interval.

    Returns:
        The interval. The bounds are NaN if more than the share `MAX_UNDEFINED` of the resamples is undefined.

    Raises:
        InputError: the level is out of range.
    """
    _check_level(level)
    undefined = np.isnan(resampled)
    if undefined.mean() > MAX_UNDEFINED:
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(resampled[~undefined], [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def tail_of(resamples: int, level: float = 0.95) -> float:
    """Return how often a new draw lies below the lower bound that is interpolated between so many draws.

    With few resamples the bounds of a percentile interval are passed more often than ``(1 - level) / 2``.

    Args:
        resamples: number of bootstrap samples.
        level: level of the two-sided interval.
    """
    return (1 + (1 - level) / 2 * (resamples - 1)) / (resamples + 1)


def level_for(tail: float, resamples: int) -> float:
    """Return the level at which `tail_of` so many resamples is ``tail``."""
    return 1 - 2 * (tail * (resamples + 1) - 1) / (resamples - 1)


def _check_clusters(patients: pd.Series) -> None:
    if patients.isna().any():
        raise InputError(f"clusters: case {int(patients.isna().argmax())} has no patient")


def _check_resamples(n_resamples: int) -> None:
    if n_resamples < 1:
        raise InputError(f"n_resamples: expected 1 or more, got {n_resamples}")


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"level: expected a number in (0, 1), got {level}")


def _resampled_counts(n: int, n_resamples: int, seed: int, width: int) -> Iterator[np.ndarray]:
    """Yield blocks (r, n) of how often each of n clusters is drawn, for rows of ``width`` numbers in memory."""
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // max(n, width))
    for start in range(0, n_resamples, rows):
        size = min(rows, n_resamples - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)


def _resampled_sums(sums: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Return (n_resamples, 2) sums over clusters drawn with replacement from ``sums`` (clusters, 2)."""
    return np.concatenate([counts @ sums for counts in _resampled_counts(len(sums), n_resamples, seed, len(sums))])
