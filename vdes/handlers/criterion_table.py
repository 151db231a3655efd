"""How lesions are shown, as a Markdown table for a console or a model card."""

from __future__ import annotations

import pandas as pd

from vdes.metrics.fidelity import METHOD_LABELS
from vdes.statistics.interval_text import interval_text
from vdes.statistics.lesion_summary import STATISTICS
from vdes.statistics.markdown_table import markdown_table

LABELS = {
    "lesion_contrast": "contrast",
    "follows": "follows real DES",
    "false_enhancement_elsewhere": "false enhancement elsewhere",
}
MINUS = "{} minus low energy"


def criterion_table(summary: pd.DataFrame) -> str:
    """Return the summary of lesions as a table, with methods as rows and intervals in brackets.

    Args:
        summary: from `vdes.statistics.lesion_summary.summarise_lesions`; may be empty.

    Returns:
        The table, and below it what its columns mean and the counts; nothing for an empty summary.

    """
    if summary.empty:
        return ""
    lines = []
    for statistic, label, sign in (("mean", "{}", ""), ("difference_to_low_energy", MINUS, "+")):
        rows = summary[summary["statistic"] == statistic]
        for method in rows["method"].unique():
            cells = rows[rows["method"] == method].set_index("metric")
            texts = [_cell(cells, metric, f"{sign}.3f") for metric in STATISTICS]
            lines.append([label.format(METHOD_LABELS.get(method, method)), *texts])
    table = markdown_table(["", *(LABELS[metric] for metric in STATISTICS)], lines, aligned=True)
    counts = summary.groupby("metric")[["cases", "patients"]].max()
    lesions, patients = counts.loc["lesion_contrast"]
    elsewhere = counts["cases"].get("false_enhancement_elsewhere", 0)
    return (
        f"{table}\n\nContrast: (lesion - ring around it) / SD of the breast, mean of {lesions} lesions of {patients} "
        "patients. Follows: rank correlation of the contrast with the real one over the lesions. False enhancement: "
        f"mean contrast beyond the real one at {elsewhere} places of the lesions' shapes elsewhere. With 95 % "
        "patient-bootstrap intervals."
    )


def _cell(cells: pd.DataFrame, metric: str, form: str) -> str:
    if metric not in cells.index:
        return "-"
    value, low, high = map(float, cells.loc[metric, ["value", "low", "high"]].to_numpy(dtype=float))
    return interval_text(value, low, high, form)
