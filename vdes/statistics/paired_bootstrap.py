"""Several arms on the same patients: their metrics, and the differences to a reference arm, with intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from vdes.errors import InputError
from vdes.statistics.bootstrap import percentile_interval
from vdes.statistics.predictions import known_cases
from vdes.statistics.resampled_metrics import resampled_metrics

COLUMNS = ["arm", "metric", "statistic", "value", "low", "high", "standard_error", "cases", "positives", "patients"]


def paired_bootstrap(
    arms: Mapping[str, pd.DataFrame],
    reference: str,
    metrics: Collection[str] = ("f1", "auc"),
    n_resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return each arm's metrics and their differences to those of a reference arm, with paired bootstrap intervals.

    The same patients are resampled for all arms, each with all of its cases, so difficulties that arms share
    cancel in the difference (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).

    Args:
        arms: by name, one table of predictions per arm, as in `vdes.statistics.predictions.known_cases`, of one level;
            all with the same cases, in any order.
        reference: name of the arm that the others are compared with.
        metrics: names of `vdes.statistics.classification_metrics.METRICS`.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.
        confidence: level of the two-sided percentile intervals.

    Returns:
        One row per arm, metric and ``statistic``: ``value`` of every arm, and ``difference`` (arm minus reference) of
        every other arm than the reference. The rows have ``value``, ``low``, ``high``, the bootstrap's
        ``standard_error``, ``cases``, malignant cases (``positives``) and ``patients``. Resamples in which a metric is
        undefined are ignored; with more than 5 % of them (`vdes.statistics.bootstrap.MAX_UNDEFINED`) or fewer than two
        patients, bounds and standard error are NaN.

    Raises:
        InputError: the arms' cases, patients or labels differ (the message names the first such case), the reference or
            a metric is unknown, a table has several levels, the number of resamples or the confidence is out of range,
            or as `known_cases`.
    """
    if reference not in arms:
        raise InputError(f"reference: expected one of the arms {', '.join(arms)}, got {reference}")
    tables = aligned(arms, reference)
    values, resampled = resampled_metrics(tables, metrics, n_resamples, seed)
    cases = tables[reference]
    counts = (len(cases), int(cases["malignant"].sum()), cases["patient"].nunique())

    def described(arm: str, metric: str, statistic: str, value: float, drawn: np.ndarray) -> tuple[object, ...]:
        interval = percentile_interval(value, drawn, confidence)
        error = float(np.nanstd(drawn, ddof=1)) if np.isfinite(interval.low) and n_resamples > 1 else np.nan
        return (arm, metric, statistic, *interval, error, *counts)

    rows = []
    for arm in tables:
        for metric in metrics:
            value, drawn = values[arm, metric], resampled[arm, metric]
            rows.append(described(arm, metric, "value", value, drawn))
            if arm != reference:
                against, drawn_against = values[reference, metric], resampled[reference, metric]
                rows.append(described(arm, metric, "difference", value - against, drawn - drawn_against))
    return pd.DataFrame(rows, columns=COLUMNS)


def aligned(arms: Mapping[str, pd.DataFrame], reference: str) -> dict[str, pd.DataFrame]:
    """Return the checked tables of all arms, as of `known_cases`, each in the order of the reference's cases.

    Raises:
        InputError: as `paired_bootstrap`.
    """
    tables = {arm: known_cases(predictions, f"arm {arm}") for arm, predictions in arms.items()}
    wanted = tables[reference]
    if wanted.empty:
        raise InputError(f"arm {reference}: no case with a known `malignant`")
    if "level" in wanted and wanted["level"].nunique() > 1:
        raise InputError(f"arm {reference}: `level`: expected one level, got {', '.join(wanted['level'].unique())}")
    for arm, table in tables.items():
        odd = [*wanted.index.difference(table.index, sort=False), *table.index.difference(wanted.index, sort=False)]
        if odd:
            raise InputError(f"arms {reference} and {arm}: case {odd[0]} is in only one of them, or unlabelled in one")
        tables[arm] = table.loc[wanted.index]
        for column in ("patient", "malignant"):
            differs = tables[arm][column] != wanted[column]
            if differs.any():
                raise InputError(f"arms {reference} and {arm}: case {differs.idxmax()}: `{column}` differs")
    return tables
