"""Plot a metric as virtual images replace real ones for a growing share of the patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vdes.errors import InputError
from vdes.report.roc_plot import GRID, INK, STYLES
from vdes.report.study_words import metric_label

SIZE_INCHES, LINE_INCHES, DPI = (4.6, 3.2), 0.22, 150
APART = 1.2  # per cent of the patients between the lines of two arms


def share_figure(rows: Iterable[Mapping[str, Any]], labels: Mapping[str, str]) -> Figure:
    """Return the lines of up to six arms, with their intervals as vertical lines, slightly shifted.

    Args:
        rows: rows of ``synthetic_share`` in ``metrics.json``, of one level and metric.
        labels: names for people, by arm.

    Raises:
        InputError: there is no arm, more than six, or several levels or metrics.

    """
    table = pd.DataFrame(list(rows))
    if table.empty or table["arm"].nunique() > len(STYLES):
        arms = 0 if table.empty else table["arm"].nunique()
        raise InputError(f"synthetic_share: expected 1 to {len(STYLES)} arms, got {arms}")
    if len(table[["level", "metric"]].drop_duplicates()) > 1:
        raise InputError("synthetic_share: expected one level and metric")
    height = SIZE_INCHES[1] + LINE_INCHES * table["arm"].nunique()
    figure = Figure(figsize=(SIZE_INCHES[0], height), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    arms = table["arm"].nunique()
    lines = enumerate(zip(table.groupby("arm", sort=False), STYLES, strict=False))
    for number, ((arm, rows_of_arm), (colour, dashes, marker)) in lines:
        line = rows_of_arm.astype({"share": float, "value": float, "low": float, "high": float}).sort_values("share")
        axes.errorbar(
            100 * line["share"] + APART * (number - (arms - 1) / 2),
            line["value"],
            yerr=np.stack([line["value"] - line["low"], line["high"] - line["value"]]).clip(0),
            color=colour,
            elinewidth=1,
            capsize=2,
            linestyle=(0, dashes or None),
            marker=marker,
            markersize=7,
            markeredgecolor="white",
            label=labels.get(str(arm), str(arm)),
        )
    axes.set_xticks(sorted({100 * share for share in table["share"]}))
    axes.set_xlabel("patients with virtual images, %", size=10)
    axes.set_ylabel(metric_label(table["metric"].iloc[0]), size=10)
    axes.tick_params(labelsize=9, colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", fontsize=10, frameon=False, handlelength=3.5)
    return figure
