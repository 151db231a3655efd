"""The fidelity summary as Markdown tables for a console or a model card."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from vdes.metrics.fidelity import COLUMNS, METHOD_LABELS, TABLES
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table

STATISTIC_LABELS = {
    "mean": "{}",
    "difference_to_constant": "{} minus constant level",
    "ratio_to_real_des": "{} over real DES ({cases} cases)",
}


def to_markdown(summary: pd.DataFrame, metrics: Sequence[str] = TABLES["breast"]) -> str:
    """Return the summary as one Markdown table, with methods as rows, metrics as columns and intervals in brackets.

    Args:
        summary: summary from `vdes.statistics.fidelity_summary.summarise`.
        metrics: the columns; `vdes.metrics.fidelity.TABLES` has those of the breast, the whole image and the lesion.

    Returns:
        The table, and below it the numbers of cases and patients. "-" is undefined.

    """
    chosen = summary[summary["metric"].isin(metrics)]
    lines = []
    for statistic, label in STATISTIC_LABELS.items():
        rows = chosen[chosen["statistic"] == statistic]
        for method in rows["method"].unique():
            cells = rows[rows["method"] == method].set_index("metric")
            name = label.format(METHOD_LABELS.get(method, method), cases=cells["cases"].max())
            lines.append([name, *(_cell(cells, metric, statistic) for metric in metrics)])
    table = markdown_table(["", *(COLUMNS[metric].label for metric in metrics)], lines, aligned=True)
    return f"{table}\n\n{_footnote(chosen[chosen['statistic'] == 'mean'])}"


def all_tables(summary: pd.DataFrame) -> str:
    """Return the tables of `vdes.metrics.fidelity.TABLES` one below the other, without empty ones."""
    present = set(summary["metric"])
    return "\n\n".join(to_markdown(summary, metrics) for metrics in TABLES.values() if present.intersection(metrics))


def _cell(cells: pd.DataFrame, metric: str, statistic: str) -> str:
    if metric not in cells.index:
        return "-"
    sign = "+" if statistic == "difference_to_constant" else ""
    value, low, high = map(float, cells.loc[metric, ["value", "low", "high"]].to_numpy(dtype=float))
    return interval_text(value, low, high, f"{sign}.{COLUMNS[metric].digits}f")


def _footnote(means: pd.DataFrame) -> str:
    """State the number of cases, and name the columns with fewer."""
    counts = means.groupby("metric", sort=False)[["cases", "patients"]].max()
    text = ["{} cases of {} patients".format(*pair) for pair in counts.to_numpy()]
    most = text[counts["cases"].argmax()]
    fewer = [f"{COLUMNS[str(metric)].label}: {n}" for metric, n in zip(counts.index, text, strict=True) if n != most]
    note = f" ({'; '.join(fewer)})" if fewer else ""
    return f"Means over {most}{note}, with 95 % patient-bootstrap intervals."
