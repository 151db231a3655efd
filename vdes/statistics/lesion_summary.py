"""How well lesions are shown: contrast, how it follows the real one, and false enhancement, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from vdes.statistics.bootstrap import Interval, cluster_bootstrap_weights, percentile_interval
from vdes.statistics.fidelity_summary import COLUMNS

REAL, LOW_ENERGY = "real_des", "low_energy"
NAMED = ("case", "patient", "place", "number", "pixels")

# of contrasts and those of the real DES at the same places, (N,)
Statistic = Callable[[np.ndarray, np.ndarray], float]


def contrast(values: np.ndarray, _real: np.ndarray) -> float:
    """Return the mean contrast."""
    return float(values.mean())


def follows(values: np.ndarray, real: np.ndarray) -> float:
    """Return Spearman's rank correlation of the contrasts with the real ones; NaN if either is constant.

    It is what a copy of the low-energy image cannot raise: whether lesions that enhance more are shown brighter.
    """
    ranks = rankdata(values), rankdata(real)
    if min(np.ptp(rank) for rank in ranks) == 0:
        return np.nan
    return float(np.corrcoef(*ranks)[0, 1])


def false_enhancement(values: np.ndarray, real: np.ndarray) -> float:
    """Return the mean excess of contrast over the real one, or over 0 where that is below 0; no excess counts 0."""
    return float(np.maximum(values - np.maximum(real, 0), 0).mean())


# by metric: the rows that it concerns and what it is of them
STATISTICS: dict[str, tuple[str, Statistic]] = {
    "lesion_contrast": ("lesion", contrast),
    "follows": ("lesion", follows),
    "false_enhancement_elsewhere": ("elsewhere", false_enhancement),
}


def summarise_lesions(rows: pd.DataFrame, n_resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Summarise a table of lesions, with 95 % patient-cluster bootstrap intervals.

    Args:
        rows: one row per place from `vdes.metrics.lesion_table.lesion_rows`; may be empty.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.

    Returns:
        The columns of `vdes.statistics.fidelity_summary.summarise`, one row per method, metric and statistic; ``cases``
        counts places. Metrics: ``lesion_contrast``, ``follows`` and ``false_enhancement_elsewhere``, see `contrast`,
        `follows` and `false_enhancement`. Statistics: ``mean``, the value over all places, and
        ``difference_to_low_energy``, paired, both arms resampled together. Of the real DES there is the contrast alone.

    """
    return pd.DataFrame(list(_summaries(rows, n_resamples, seed)) if len(rows) else [], columns=COLUMNS)


def _summaries(rows: pd.DataFrame, n_resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    methods = [name for name in rows.columns if name not in NAMED]
    for metric, (place, statistic) in STATISTICS.items():
        for method in methods:
            if method == REAL and metric != "lesion_contrast":
                continue
            chosen = [method, *([] if method in (REAL, LOW_ENERGY) else [LOW_ENERGY]), REAL]
            known = rows[rows["place"] == place].dropna(subset=chosen)
            if known.empty:
                continue
            counts = (len(known), known["patient"].nunique())
            real = known[REAL].to_numpy()
            arms = [known[name].to_numpy() for name in chosen[:-1]]
            names = ("mean", "difference_to_low_energy")[: len(arms)]
            values, drawn = _bootstrap(statistic, arms, real, known["patient"].to_numpy(), n_resamples, seed)
            for name, value, resampled in zip(names, values, drawn, strict=True):
                interval = percentile_interval(value, resampled) if counts[1] > 1 else Interval(value, np.nan, np.nan)
                yield dict(zip(COLUMNS, (method, metric, name, *interval, *counts), strict=True))


def _bootstrap(
    statistic: Statistic, arms: list[np.ndarray], real: np.ndarray, patients: np.ndarray, n_resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return an arm's statistic and, given another, its difference to that one's, and their resamples."""

    def of(rows: np.ndarray) -> np.ndarray:
        values = [statistic(arm[rows], real[rows]) for arm in arms]
        return np.array([values[0], *(values[0] - other for other in values[1:])])

    everyone = np.arange(len(real))
    drawn = [
        of(np.repeat(everyone, times.astype(int)))
        for block in cluster_bootstrap_weights(patients, n_resamples, seed)
        for times in block
    ]
    return of(everyone), np.array(drawn).T
