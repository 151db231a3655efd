"""Reliability diagrams of several arms, side by side."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vdes.errors import InputError
from vdes.report.calibration_plot import DPI, GRID, INK, STYLES
from vdes.statistics.calibration import reliability_curve
from vdes.statistics.classification_metrics import classification_metrics
from vdes.statistics.predictions import known_cases

COLUMNS, SIDE_INCHES, PANEL_INCHES, LABEL_INCHES = 2, 2.1, 2.3, 0.4
TITLE_LETTERS = 28


def calibration_panels(arms: Mapping[str, pd.DataFrame]) -> Figure:
    """Return a reliability diagram for each arm, all on the same scale.

    Each shows the share of malignant cases against the mean probability in bins of equal width, with Wilson's 95 %
    interval (see `vdes.statistics.calibration.reliability_curve`; it treats cases as independent), markers whose area
    grows with the cases of the bin, the diagonal of perfect calibration, and the expected calibration error.

    Args:
        arms: by name, one table of predictions per arm, of one level, as in
            `vdes.statistics.predictions.known_cases`.

    Raises:
        InputError: there is no arm, or as `known_cases`.

    """
    if not arms:
        raise InputError("arms: expected one or more, got 0")
    rows = math.ceil(len(arms) / COLUMNS)
    size = (COLUMNS * SIDE_INCHES, rows * PANEL_INCHES + LABEL_INCHES)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (name, table) in zip(panels, arms.items(), strict=False):
        _draw(axes, name, known_cases(table, name))
    for axes in panels[len(arms) :]:
        axes.set_visible(False)
    for number, axes in enumerate(panels[: len(arms)]):
        axes.tick_params(labelbottom=number + COLUMNS >= len(arms))
    figure.supxlabel("predicted probability of malignancy", size=10)
    figure.supylabel("share of malignant cases, 95 % interval", size=10)
    return figure


def _draw(axes: Axes, name: str, cases: pd.DataFrame) -> None:
    colour, _ = STYLES[0]
    malignant, probability = cases["malignant"], cases["probability"]
    curve = reliability_curve(malignant, probability)
    share = curve["malignant_share"]
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.errorbar(
        curve["mean_probability"],
        share,
        yerr=np.stack([share - curve["low"], curve["high"] - share]).clip(0),
        color=colour,
        linewidth=1.4,
        elinewidth=0.9,
        capsize=2,
    )
    area = 12 + 90 * curve["cases"] / curve["cases"].sum()
    axes.scatter(curve["mean_probability"], share, s=area, color=colour, edgecolor="white", linewidth=0.6, zorder=3)
    error = float(classification_metrics(malignant, probability, metrics=["ece"])["ece"][0])
    axes.set_title(f"{textwrap.fill(name, TITLE_LETTERS)}\nECE {error:.3f}", size=9)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    axes.tick_params(labelsize=9, colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
