"""A classifier's metrics with intervals, from its predictions."""

from __future__ import annotations

import pandas as pd

from vdes.data.vocabulary import LEVELS
from vdes.errors import InputError
from vdes.statistics.bootstrap import percentile_interval
from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.predictions import known_cases
from vdes.statistics.resampled_metrics import resampled_metrics

COLUMNS = ["level", "metric", "value", "low", "high", "cases", "positives", "patients"]


def classification_summary(predictions: pd.DataFrame, n_resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Summarise predictions by level, with 95 % patient-cluster bootstrap intervals.

    Patients are resampled with all of their cases, as in `vdes.statistics.bootstrap.cluster_bootstrap_mean`. The
    decisions (F1, sensitivity, ...) come from the column ``prediction``, because thresholds may differ between folds;
    without it they come from ``threshold``.

    Args:
        predictions: as in `vdes.statistics.predictions.known_cases`, with the column ``level``: image, breast or
            examination. Cases whose ``malignant`` is missing are ignored.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.

    Returns:
        One row per level and metric of `vdes.statistics.classification_metrics.METRICS`: ``value``, ``low``, ``high``,
        ``cases``, malignant cases (``positives``) and ``patients``. Resamples in which a metric is undefined, such as
        those of one class only, are ignored in its interval; with more than 5 % of them
        (`vdes.statistics.bootstrap.MAX_UNDEFINED`) or a single patient it is NaN. The interval of ``ece`` may lie above
        its value, because resamples have fewer different cases, which makes it larger.

    Raises:
        InputError: there is no row, a level is unknown or has one class only, the number of resamples is below 1, or as
            `known_cases`.
    """
    if "level" not in predictions or predictions.empty:
        raise InputError(f"predictions: {'no rows' if 'level' in predictions else 'no column `level`'}")
    unknown = predictions.loc[~predictions["level"].isin(LEVELS), "level"]
    if not unknown.empty:
        raise InputError(f"predictions: `level`: expected one of {', '.join(LEVELS)}, got {unknown.iloc[0]}")
    cases = known_cases(predictions)
    rows = []
    for level in [level for level in LEVELS if level in set(predictions["level"])]:
        table = cases[cases["level"] == level]
        n_cases, positives = len(table), int(table["malignant"].sum())
        if positives in (0, n_cases):
            raise InputError(
                f"predictions: level {level}: expected malignant and other cases, "
                f"{positives} of {n_cases} are malignant"
            )
        values, resampled = resampled_metrics({level: table}, METRICS, n_resamples, seed)
        for metric in METRICS:
            interval = percentile_interval(values[level, metric], resampled[level, metric])
            rows.append((level, metric, *interval, n_cases, positives, table["patient"].nunique()))
    return pd.DataFrame(rows, columns=COLUMNS)
