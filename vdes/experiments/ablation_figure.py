"""The figure of an ablation: what each variant gains and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vdes.report.roc_plot import GRID, INK

SIZE_INCHES, DPI = (9.0, 5.5), 120
MARKERS = "osD^v<>PX*phd8"
ACROSS, UP = "correlation_breast", "lesion_contrast"


def ablation_figure(rows: Iterable[Mapping[str, Any]]) -> Figure:
    """Return the contrast of lesions over the correlation with the real DES, a point a variant, with intervals.

    Args:
        rows: of `vdes.experiments.ablation_summary.ablation_summary`.
    """
    table = pd.DataFrame(list(rows))
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    axis = figure.subplots()
    for number, variant in enumerate(table["variant"].unique()):
        points = table[table["variant"] == variant].set_index("metric")
        if not {ACROSS, UP} <= set(points.index):  # no lesion is drawn
            continue
        (x, x_bar), (y, y_bar) = (_with_bar(points.loc[metric]) for metric in (ACROSS, UP))
        marker = MARKERS[number % len(MARKERS)]
        axis.errorbar(x, y, xerr=x_bar, yerr=y_bar, fmt=marker, elinewidth=0.6, markersize=6, label=variant)
    axis.set_xlabel("correlation with real DES inside the breast", color=INK)
    axis.set_ylabel("contrast of lesions / SD of the breast", color=INK)
    axis.grid(color=GRID, linewidth=0.6)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
    return figure


def _with_bar(row: pd.Series) -> tuple[float, np.ndarray]:
    """Return a value and how far its interval reaches below and above it, (2, 1)."""
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    return value, np.array([[value - low], [high - value]]).clip(0)
