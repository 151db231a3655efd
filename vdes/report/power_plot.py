"""The figure of a planned study: power over the number of patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vdes.report.roc_plot import DPI, GRID, INK, STYLES
from vdes.statistics.bootstrap import Interval
from vdes.statistics.monte_carlo import share

SIZE_INCHES = (5.5, 3.8)


def power_figure(found: Mapping[str, Any]) -> Figure:
    """Return the power of all simulated sizes, and of the advised numbers, with 95 % Monte Carlo intervals.

    Args:
        found: of `vdes.study.sample_size.sample_size`.
    """
    points = [(one["patients"], share(one["non_inferior"], one["studies"])) for one in found["simulated"]]
    advised = [(row["patients"], Interval(**row["check"])) for row in found["needed"] if row["check"]]
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    axis = figure.subplots()
    groups = (("simulated", points, STYLES[0]), ("advised", advised, STYLES[1]))
    for label, group, (colour, _, marker) in groups:
        shares = np.array([rate for _, rate in group]).reshape(-1, 3).T
        axis.errorbar(
            [patients for patients, _ in group],
            shares[0],
            yerr=np.stack([shares[0] - shares[1], shares[2] - shares[0]]).clip(0),
            color=colour,
            marker=marker,
            linestyle="",
            elinewidth=0.8,
            label=label,
        )
    for row in found["needed"]:
        axis.axhline(row["power"], color=INK, linewidth=0.8, linestyle=":")
    axis.set(xlabel="patients", ylabel="power", xlim=(0, None), ylim=(0, 1.02))
    axis.grid(color=GRID, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="lower right", fontsize=9)
    return figure
