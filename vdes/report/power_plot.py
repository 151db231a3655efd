"""The figure of a planned study: power over the number of patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import ndtr

from vdes.report.roc_plot import DPI, GRID, INK, STYLES
from vdes.statistics.monte_carlo import share
from vdes.study.sample_size import Power, power_curve

SIZE_INCHES = (5.5, 3.8)


def power_figure(found: Mapping[str, Any], confidence: float) -> Figure:
    """Return the power of the simulated studies, its fitted curve and the advised numbers.

    Args:
        found: of `vdes.study.sample_size.sample_size`.
        confidence: of the study's interval.
    """
    points = [Power(**point) for point in found["simulated"]]
    start, slope = power_curve(points, confidence)
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    axis = figure.subplots()
    most = 1.2 * max(point.patients for point in points)
    patients = np.linspace(1, most, 300)
    axis.plot(patients, ndtr(start + slope * np.sqrt(patients)), color=STYLES[0][0], label="fitted")
    groups = (("simulated", points, STYLES[0]), ("advised, simulated anew", _advised(found), STYLES[1]))
    for label, group, (colour, _, marker) in groups:
        shares = np.array([share(point.non_inferior, point.studies) for point in group]).reshape(-1, 3).T
        axis.errorbar(
            [point.patients for point in group],
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
    axis.set(xlabel="patients", ylabel="power", xlim=(0, most), ylim=(0, 1.02))
    axis.grid(color=GRID, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="lower right", fontsize=9)
    return figure


def _advised(found: Mapping[str, Any]) -> list[Power]:
    rows = [row for row in found["needed"] if row["check"]]
    studies = found["studies"]
    return [Power(row["patients"], round(row["check"]["value"] * studies), studies) for row in rows]
