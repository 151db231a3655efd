"""The classification summary as a Markdown table for a console or a model card."""

from __future__ import annotations

import numpy as np
import pandas as pd

LABELS = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "f1": "F1",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "MCC",
    "brier": "Brier score",
    "ece": "ECE",
}


def classification_table(summary: pd.DataFrame) -> str:
    """Return a summary of `vdes.statistics.classification_summary` as Markdown: a row a metric, a column a level."""
    levels = list(dict.fromkeys(summary["level"]))
    cells = summary.set_index(["metric", "level"])
    lines = [["", *levels], ["---"] * (len(levels) + 1)]
    for metric, label in LABELS.items():
        lines.append([label, *(_cell(cells.loc[(metric, level)]) for level in levels)])
    counts = [cells.loc[("auc", level), ["cases", "positives", "patients"]].astype(int) for level in levels]
    lines.append(["cases (malignant) of patients", *(f"{c[0]} ({c[1]}) of {c[2]}" for c in map(tuple, counts))])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([*(f"| {line} |" for line in table), "", "With 95 % patient-bootstrap intervals."])


def _cell(row: pd.Series) -> str:
    value, low, high = row[["value", "low", "high"]].to_numpy(dtype=float)
    return f"{value:.3f}" if np.isnan(low) else f"{value:.3f} ({low:.3f} to {high:.3f})"
