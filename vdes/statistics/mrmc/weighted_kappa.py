"""Cohen's weighted kappa within and between readers, with a bootstrap over patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vdes.errors import InputError
from vdes.statistics.bootstrap import Interval, cluster_bootstrap_weights, percentile_interval


def weighted_kappa(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]],
    grades: int,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Return the mean quadratic-weighted kappa of pairs of readings of the same cases.

    Kappa is one minus the ratio of observed to expected squared distance between grades (Cohen, "Weighted kappa:
    nominal scale agreement with provision for scaled disagreement or partial credit", Psychological Bulletin 70(4),
    1968). It is 1 if all readings agree, 0 for agreement by chance, and undefined if all readings of a pair have the
    same grade.

    Args:
        pairs: one or more of (N,) and (N,) grades, 0 to ``grades`` - 1, NaN where missing: two readers, or
            two readings of one reader.
        grades: number of grades of the ordered scale, two or more.
        clusters: (N,) the patient of each case.
        n_resamples: bootstrap samples of patients; the same for all pairs.
        seed: of the bootstrap.
        confidence: of the percentile interval.

    Returns:
        The mean over the pairs whose kappa is defined, and its interval; NaN where none is.

    Raises:
        InputError: there is no pair, lengths differ, or a grade is out of range.
    """
    if not pairs or grades < 2:
        raise InputError(f"pairs, grades: expected one or more and two or more, got {len(pairs)} and {grades}")
    cells = [_cells(first, second, grades) for first, second in pairs]
    patients = np.asarray(clusters)
    if any(len(one) != len(patients) for one in cells):
        raise InputError(f"clusters: expected {len(cells[0])}, one a case, got {len(patients)}")
    value = float(_mean([_kappa(one.sum(axis=0)[None], grades)[0] for one in cells]))
    blocks = []
    for weights in cluster_bootstrap_weights(patients, n_resamples, seed):
        blocks.append(_mean([_kappa(weights @ one, grades) for one in cells]))
    drawn = np.concatenate(blocks)
    if np.isnan(value) or np.unique(patients).size < 2:
        return Interval(value, np.nan, np.nan)
    return percentile_interval(value, drawn, confidence)


def _cells(first: ArrayLike, second: ArrayLike, grades: int) -> np.ndarray:
    """Return each case's cell in the agreement table as one-hot rows (N, grades * grades)."""
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.ndim != 1 or one.shape != other.shape:
        raise InputError(f"pairs: expected (N,) and (N,), got {one.shape} and {other.shape}")
    known = ~(np.isnan(one) | np.isnan(other))
    for values in (one[known], other[known]):
        if not np.isin(values, np.arange(grades)).all():
            raise InputError(f"pairs: expected grades 0 to {grades - 1}")
    cells = np.zeros((one.size, grades * grades))
    cells[known, (one[known] * grades + other[known]).astype(int)] = 1
    return cells


def _kappa(counts: np.ndarray, grades: int) -> np.ndarray:
    """Return kappa (R,) of tables (R, grades * grades)."""
    tables = counts.reshape(-1, grades, grades)
    distance = np.subtract.outer(np.arange(grades), np.arange(grades)) ** 2.0
    total = tables.sum(axis=(1, 2))
    expected = np.einsum("ri,rj,ij->r", tables.sum(axis=2), tables.sum(axis=1), distance)
    observed = np.einsum("rij,ij->r", tables, distance) * total
    return 1 - np.divide(observed, expected, out=np.full(len(tables), np.nan), where=expected > 0)


def _mean(kappas: Sequence[np.ndarray] | Sequence[float]) -> np.ndarray:
    """Return the mean over the pairs whose kappa is defined."""
    values = np.asarray(kappas, dtype=float)
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    return np.divide(
        np.where(known, values, 0).sum(axis=0), counts, out=np.full(counts.shape, np.nan), where=counts > 0
    )
