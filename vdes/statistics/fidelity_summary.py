"""Means, differences and ratios of fidelity with intervals, from the per-case table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_bootstrap_mean, cluster_bootstrap_ratio

KEYS = ["case", "patient", "method"]
COLUMNS = ["method", "metric", "statistic", "value", "low", "high", "cases", "patients"]


def summarise(rows: pd.DataFrame, n_resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Summarise a per-case table over cases, with 95 % patient-cluster bootstrap intervals.

    Args:
        rows: one row per case and method, from `vdes.metrics.fidelity.case_rows`: ``case``, ``patient``, ``method``
            and one column per metric; NaN if a metric is undefined.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.

    Returns:
        One row per method, metric and statistic: ``value``, ``low``, ``high``, ``cases`` and ``patients``. The
        statistics:

        - ``mean`` over the cases with a defined metric;
        - ``difference_to_constant``, the mean of the paired differences to the method ``constant``;
        - ``ratio_to_real_des`` of ``lesion_cnr``: the ratio of the means over the cases with a contrast in both. The
          mean of the single ratios (column ``lesion_cnr_ratio``) would be dominated by lesions that hardly enhance in
          the real DES.

        Metrics that are undefined in all cases have no row.

    Raises:
        InputError: there is no row, a column is missing, a case occurs twice for a method or has two patients.
    """
    missing = [key for key in KEYS if key not in rows]
    if missing or rows.empty:
        raise InputError(f"per-case table: {f'no column `{missing[0]}`' if missing else 'no rows'}")
    twice = rows[rows.duplicated(["case", "method"])]
    if not twice.empty:
        raise InputError(f"per-case table: case {twice.iloc[0]['case']} is there twice for {twice.iloc[0]['method']}")
    patient = rows.groupby("case")["patient"].nunique()
    if (patient != 1).any():
        raise InputError(
            f"per-case table: case {patient.ne(1).idxmax()} needs one patient, it has {patient[patient != 1].iloc[0]}"
        )
    summary = pd.DataFrame(_statistics(rows, n_resamples, seed), columns=COLUMNS)
    return summary[summary["cases"] > 0].reset_index(drop=True)


def _statistics(rows: pd.DataFrame, n_resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    arms = {str(method): arm.set_index("case") for method, arm in rows.groupby("method", sort=False)}
    metrics = [column for column in rows.columns if column not in [*KEYS, "lesion_cnr_ratio"]]
    constant, real = arms.get("constant"), arms.get("real_des")

    def described(method: str, metric: str, statistic: str, interval: tuple, values: pd.Series) -> dict[str, Any]:
        patients = arms[method]["patient"].reindex(values.dropna().index)
        counts = (int(values.notna().sum()), int(patients.nunique()))
        return dict(zip(COLUMNS, (method, metric, statistic, *interval, *counts), strict=True))

    for method, arm in arms.items():
        for metric in metrics:
            mean = cluster_bootstrap_mean(arm[metric], arm["patient"], n_resamples, seed)
            yield described(method, metric, "mean", mean, arm[metric])
            if constant is not None and method not in ("constant", "real_des"):
                gain = arm[metric] - constant[metric].reindex(arm.index)
                mean = cluster_bootstrap_mean(gain, arm["patient"], n_resamples, seed)
                yield described(method, metric, "difference_to_constant", mean, gain)
        if real is not None and method != "real_des" and "lesion_cnr" in metrics:
            over, under = arm["lesion_cnr"], real["lesion_cnr"].reindex(arm.index)
            ratio = cluster_bootstrap_ratio(over, under, arm["patient"], n_resamples, seed)
            yield described(method, "lesion_cnr", "ratio_to_real_des", ratio, over + under)
