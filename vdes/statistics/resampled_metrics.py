"""Classification metrics of several arms on the same resampled patients."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from vdes.statistics.bootstrap import cluster_bootstrap_counts, cluster_codes
from vdes.statistics.classification_metrics import METRICS, classification_metrics, confusion_cells


class Cases(NamedTuple):
    """Predictions of one arm.

    Attributes:
        malignant: (N,) labels, 0 or 1.
        probability: (N,) of malignancy, in [0, 1].
        prediction: (N,) decisions, 0 or 1.
    """

    malignant: np.ndarray
    probability: np.ndarray
    prediction: np.ndarray


def resampled_metrics(
    arms: Mapping[str, pd.DataFrame], metrics: Collection[str], n_resamples: int, seed: int
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], np.ndarray]]:
    """Return each arm's metrics, and those of resamples of whole patients, the same for all arms.

    Memory is bounded by `vdes.statistics.bootstrap.BLOCK`, except for the metrics themselves.

    Args:
        arms: by name, tables of `vdes.statistics.predictions.known_cases` with the same cases in the same order.
        metrics: names of `vdes.statistics.classification_metrics.METRICS`.
        n_resamples: number of bootstrap samples.
        seed: of the bootstrap.

    Returns:
        By arm and metric the value, and the (n_resamples,) values of the resamples, NaN if the metric is undefined.
        With fewer than two patients all of these are NaN, because nothing varies.

    Raises:
        InputError: as `classification_metrics` and `cluster_bootstrap_counts`.
    """
    cases = {arm: Cases(*(table[column].to_numpy() for column in Cases._fields)) for arm, table in arms.items()}
    codes = cluster_codes(next(iter(arms.values()))["patient"])
    return resampled_cases(cases, codes, metrics, n_resamples, seed)


def resampled_cases(
    arms: Mapping[str, Cases], codes: np.ndarray, metrics: Collection[str], n_resamples: int, seed: int
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], np.ndarray]]:
    """Return what `resampled_metrics` does, without tables.

    Args:
        arms: by name, predictions for the same cases in the same order.
        codes: (N,) the patients of the cases, as of `vdes.statistics.bootstrap.cluster_codes`.
        metrics: as in `resampled_metrics`.
        n_resamples: likewise.
        seed: likewise.

    Raises:
        InputError: as `resampled_metrics`.
    """

    def scored(cases: Cases, names: Collection[str], weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        return classification_metrics(
            cases.malignant, cases.probability, weights=weights, prediction=cases.prediction, metrics=names
        )

    values = {(arm, name): float(v[0]) for arm, cases in arms.items() for name, v in scored(cases, metrics).items()}
    decided = {name: function for name in metrics if (function := METRICS[name].of_decisions) is not None}
    graded = [name for name in metrics if name not in decided]
    cells = {arm: _cells_of_patients(cases, codes) for arm, cases in arms.items()} if decided else {}
    blocks: dict[tuple[str, str], list[np.ndarray]] = {key: [] for key in values}
    for counts in cluster_bootstrap_counts(codes, n_resamples, seed):
        weights = counts[:, codes] if graded else None
        for arm, cases in arms.items():
            if decided:
                tp, fp, fn, tn = (counts @ cells[arm]).T
            for name, of_decisions in decided.items():
                blocks[arm, name].append(of_decisions((tp, fp, fn, tn)))
            for name, block in scored(cases, graded, weights).items() if graded else ():
                blocks[arm, name].append(block)
    resampled = {key: np.concatenate(block) for key, block in blocks.items()}
    if not codes.any():
        resampled = {key: np.full(n_resamples, np.nan) for key in resampled}
    return values, resampled


def _cells_of_patients(cases: Cases, codes: np.ndarray) -> np.ndarray:
    """Return the sums (patients, 4) of `confusion_cells` over each patient's cases."""
    cells = confusion_cells(cases.malignant.astype(bool), cases.prediction.astype(bool))
    return np.stack([np.bincount(codes, weights=cell) for cell in cells.T], axis=1)
