"""Classification metrics of several arms on the same resampled patients."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from vdes.statistics.bootstrap import cluster_bootstrap_weights
from vdes.statistics.classification_metrics import classification_metrics


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
        InputError: as `classification_metrics` and `cluster_bootstrap_weights`.
    """

    def scored(table: pd.DataFrame, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        return classification_metrics(
            table["malignant"], table["probability"], weights=weights, prediction=table["prediction"], metrics=metrics
        )

    values = {(arm, name): float(v[0]) for arm, table in arms.items() for name, v in scored(table).items()}
    patients = next(iter(arms.values()))["patient"]
    blocks: dict[tuple[str, str], list[np.ndarray]] = {(arm, name): [] for arm in arms for name in metrics}
    for weights in cluster_bootstrap_weights(patients, n_resamples, seed):
        for arm, table in arms.items():
            for name, block in scored(table, weights).items():
                blocks[arm, name].append(block)
    resampled = {key: np.concatenate(block) for key, block in blocks.items()}
    if patients.nunique() < 2:
        resampled = {key: np.full(n_resamples, np.nan) for key in resampled}
    return values, resampled
