"""The fidelity summary as Markdown tables for a console or a model card."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

TABLES = {
    "breast": ("mae_breast", "psnr_breast", "ssim_breast", "vif_breast", "correlation_breast"),
    "image": ("mae_image", "psnr_image", "ssim_image", "vif_image"),
    "lesion": ("mae_lesion", "psnr_lesion", "ssim_lesion", "vif_lesion", "lesion_cnr", "lesion_roc_area"),
}

METRIC_LABELS = {
    "mae": "MAE",
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
    "vif": "VIF",
    "correlation": "correlation",
    "lesion_cnr": "lesion CNR",
    "lesion_roc_area": "lesion ROC area",
}
METHOD_LABELS = {
    "virtual_des": "virtual DES",
    "low_energy": "low energy itself",
    "constant": "constant level",
    "real_des": "real DES",
}
STATISTIC_LABELS = {
    "mean": "{}",
    "difference_to_constant": "{} minus constant level",
    "ratio_to_real_des": "{} over real DES ({cases} cases)",
}


def to_markdown(summary: pd.DataFrame, metrics: Sequence[str] = TABLES["breast"]) -> str:
    """Lay the summary out as one Markdown table: a row a method, a column a metric, intervals in brackets.

    Args:
        summary: as `vdes.statistics.fidelity_summary.summarise` gives it.
        metrics: the columns; `TABLES` has a choice for the breast, the whole image and the lesion.

    Returns:
        The table, and below it how many cases and patients are behind its columns. "-" is undefined.

    """
    chosen = summary[summary["metric"].isin(metrics)]
    lines = [["", *(metric_label(metric) for metric in metrics)]]
    for statistic, label in STATISTIC_LABELS.items():
        rows = chosen[chosen["statistic"] == statistic]
        for method in rows["method"].unique():
            cells = rows[rows["method"] == method].set_index("metric")
            name = label.format(METHOD_LABELS.get(method, method), cases=cells["cases"].max())
            lines.append([name, *(_cell(cells, metric, statistic) for metric in metrics)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(metrics) + 1)]
    lines.insert(1, ["-" * width for width in widths])
    table = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([*table, "", _footnote(chosen[chosen["statistic"] == "mean"])])


def all_tables(summary: pd.DataFrame) -> str:
    """Return the tables of `TABLES` one below the other; without lesions, say, that of the lesions is left out."""
    present = set(summary["metric"])
    return "\n\n".join(to_markdown(summary, metrics) for metrics in TABLES.values() if present.intersection(metrics))


def metric_label(metric: str) -> str:
    """Return a metric's name as people write it."""
    name, _, region = metric.rpartition("_")
    return METRIC_LABELS.get(metric) or f"{region} {METRIC_LABELS.get(name, name)}"


def _cell(cells: pd.DataFrame, metric: str, statistic: str) -> str:
    if metric not in cells.index:
        return "-"
    sign = "+" if statistic == "difference_to_constant" else ""
    form = f"{sign}.{2 if metric.startswith(('psnr', 'lesion_cnr')) else 3}f"
    value, low, high = cells.loc[metric, ["value", "low", "high"]].to_numpy(dtype=float)
    return f"{value:{form}}" if np.isnan(low) else f"{value:{form}} ({low:{form}} to {high:{form}})"


def _footnote(means: pd.DataFrame) -> str:
    """Say how many cases the columns rest on, and name those that rest on fewer."""
    counts = means.groupby("metric", sort=False)[["cases", "patients"]].max()
    text = ["{} cases of {} patients".format(*pair) for pair in counts.to_numpy()]
    most = text[counts["cases"].argmax()]
    fewer = [f"{metric_label(str(metric))}: {n}" for metric, n in zip(counts.index, text, strict=True) if n != most]
    note = f" ({'; '.join(fewer)})" if fewer else ""
    return f"Means over {most}{note}, with 95 % patient-bootstrap intervals."
