"""Enhancement recall and hallucination rates with intervals, from the per-case table."""

from __future__ import annotations

import pandas as pd

from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_bootstrap_mean

NEEDED = ["case", "patient", "method", "real_enhances", "enhances", "hallucinations"]
COLUMNS = ["method", "metric", "value", "low", "high", "cases", "patients"]


def enhancement_summary(rows: pd.DataFrame, n_resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Summarise a per-case table over cases, with 95 % patient-cluster bootstrap intervals.

    Args:
        rows: one row per case and method, from `vdes.metrics.enhancement.enhancement_rows`.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.

    Returns:
        One row per method and metric: ``value``, ``low``, ``high``, ``cases`` and ``patients``. The metrics:

        - ``enhancement_recall``: share of lesions enhancing in the real DES that also enhance in the method's image;
        - ``false_enhancement``: share of lesions not enhancing in the real DES that enhance in the method's image;
        - ``hallucinations_per_image``: mean number of enhancing regions with no enhancement in the real DES;
        - ``images_with_hallucination``: share of images with such a region.

        Metrics that are undefined in all cases have no row.

    Raises:
        InputError: there is no row, a column is missing, or a case occurs twice for a method.
    """
    missing = [column for column in NEEDED if column not in rows]
    if missing or rows.empty:
        raise InputError(f"per-case table: {f'no column `{missing[0]}`' if missing else 'no rows'}")
    twice = rows[rows.duplicated(["case", "method"])]
    if not twice.empty:
        raise InputError(f"per-case table: case {twice.iloc[0]['case']} is there twice for {twice.iloc[0]['method']}")
    found = []
    for method, table in rows.groupby("method", sort=False):
        hallucinated = table["hallucinations"].gt(0).astype(float).where(table["hallucinations"].notna())
        metrics = {
            "enhancement_recall": table["enhances"].where(table["real_enhances"] == 1),
            "false_enhancement": table["enhances"].where(table["real_enhances"] == 0),
            "hallucinations_per_image": table["hallucinations"],
            "images_with_hallucination": hallucinated,
        }
        for metric, values in metrics.items():
            known = values.notna()
            if known.any():
                interval = cluster_bootstrap_mean(values[known], table["patient"][known], n_resamples, seed)
                found.append((method, metric, *interval, int(known.sum()), table["patient"][known].nunique()))
    return pd.DataFrame(found, columns=COLUMNS)
