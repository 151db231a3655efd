"""The classification summary as a Markdown table for a console or a model card."""

from __future__ import annotations

import pandas as pd

from vdes.statistics.classification_metrics import METRICS, Metric
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table


def classification_table(summary: pd.DataFrame) -> str:
    """Return a summary of `vdes.statistics.classification_summary` as Markdown: a row per metric, a column per level.

    Ranking metrics come first, then those of decisions, then those of calibration.
    """
    levels = list(dict.fromkeys(summary["level"]))
    cells = summary.set_index(["metric", "level"])
    tabulated = sorted(((name, metric) for name, metric in METRICS.items() if metric.tabulated), key=_place)
    rows = [
        [metric.label, *(interval_text(*cells.loc[(name, level), ["value", "low", "high"]]) for level in levels)]
        for name, metric in tabulated
    ]
    counts = [cells.loc[("auc", level), ["cases", "positives", "patients"]].astype(int) for level in levels]
    rows.append(["cases (malignant) of patients", *(f"{c[0]} ({c[1]}) of {c[2]}" for c in map(tuple, counts))])
    return f"{markdown_table(['', *levels], rows, aligned=True)}\n\nWith 95 % patient-bootstrap intervals."


def _place(named: tuple[str, Metric]) -> int:
    metric = named[1]
    if metric.of_decisions is not None:
        return 1
    return 0 if metric.more_is_better else 2
