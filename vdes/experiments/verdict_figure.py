"""The figure of `vdes.experiments.verdict_rates`: rates over the number of patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vdes.experiments.verdict_tests import COVERAGE, ERROR
from vdes.report.roc_plot import GRID, INK, STYLES
from vdes.report.study_words import metric_label
from vdes.statistics.monte_carlo import share

SIZE_INCHES, DPI = (8.0, 8.6), 120
APART = 1.03  # factor between the points of two lines


def verdict_figure(rows: Iterable[Mapping[str, Any]], margin: float) -> Figure:
    """Return errors, coverage and power over the number of patients, a column a level.

    Args:
        rows: of `vdes.experiments.verdict_rates.rates`.
        margin: of non-inferiority.
    """
    table = pd.DataFrame(list(rows))
    panels = (
        ("“non-inferior”, worse by the margin", "non_inferior", -margin, ERROR),
        ("interval holds the truth, worse by the margin", "covered", -margin, COVERAGE),
        ("“non-inferior”, arms alike (power)", "non_inferior", 0.0, None),
    )
    levels = list(table["level"].unique())
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    axes = figure.subplots(len(panels), len(levels), sharex=True, sharey="row", squeeze=False)
    for row, (title, counted, difference, nominal) in zip(axes, panels, strict=True):
        for axis, level in zip(row, levels, strict=True):
            chosen = table[(table["level"] == level) & np.isclose(table["difference"], difference)]
            lines = chosen.groupby(["metric", "correlation"], sort=False)
            for number, ((names, of_line), style) in enumerate(zip(lines, STYLES, strict=False)):
                metric, correlation = names
                colour, dashes, marker = style
                shares = np.array([share(k, n) for k, n in zip(of_line[counted], of_line["studies"], strict=True)]).T
                axis.errorbar(
                    of_line["patients"] * APART ** (number - 2.5),
                    shares[0],
                    yerr=np.stack([shares[0] - shares[1], shares[2] - shares[0]]).clip(0),
                    color=colour,
                    linestyle=(0, dashes or None),
                    marker=marker,
                    markersize=5,
                    elinewidth=0.8,
                    label=f"{metric_label(metric)}, correlation {correlation:g}",
                )
            if nominal is not None:
                axis.axhline(nominal, color=INK, linewidth=1, linestyle=":")
            axis.set_title(f"{title}\nby {level}", size=9)
            axis.set_xscale("log")
            axis.set_xticks(sorted(table["patients"].unique()), minor=False)
            axis.set_xticks([], minor=True)
            axis.xaxis.set_major_formatter("{x:g}")
            axis.tick_params(labelsize=9, colors=INK)
            axis.grid(color=GRID, linewidth=0.6)
            axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("patients", size=10)
    for axis in axes[:, 0]:
        axis.set_ylabel("share of studies", size=10)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9, frameon=False, handlelength=3.5)
    return figure
