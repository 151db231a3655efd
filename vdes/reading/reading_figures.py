"""The curves of a reader study: ROC and free-response ROC by modality, each reader's and their mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from sklearn.metrics import roc_curve

from vdes.report.roc_plot import DPI, GRID, INK, STYLES
from vdes.statistics.mrmc.froc import froc_curve

SIDE_INCHES, LEGEND_INCHES = 4.6, 0.9
LINE, READER_LINE, READER_ALPHA = 2.2, 0.9, 0.45


def mean_roc(curves: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertical mean of ROC curves, whose area is the mean of theirs.

    Args:
        curves: for each, the false-positive rates and the sensitivities, from 0, 0 to 1, 1.
    """
    grid = np.unique(np.concatenate([false for false, _ in curves]))
    ends = np.mean([_ends(grid, false, true) for false, true in curves], axis=0)
    return np.repeat(grid, 2), ends.ravel()


def _ends(grid: np.ndarray, false: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return a curve's sensitivities (K, 2) at each grid point; where it rises vertically, both ends of the rise."""
    ends = np.repeat(np.interp(grid, false, true)[:, None], 2, axis=1)
    for place, value in enumerate(grid):
        here = true[false == value]
        if here.size:
            ends[place] = here.min(), here.max()
    return ends


def reader_roc_figure(readings: pd.DataFrame, labels: dict[str, str], areas: dict[str, str]) -> Figure:
    """Return the ROC curves of all readers (thin) and their mean (thick) by modality.

    Args:
        readings: first readings, with ``reader``, ``modality``, ``malignancy`` and ``malignant``.
        labels: of the modalities, in drawing order; six at most.
        areas: the area under the curve as text, by modality.
    """
    figure, axes = _figure(len(labels))
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for (modality, label), (colour, dashes, _) in zip(labels.items(), STYLES, strict=False):
        curves = []
        for _, own in readings[readings["modality"] == modality].groupby("reader"):
            false, true, _ = roc_curve(own["malignant"], own["malignancy"], drop_intermediate=False)
            curves.append((false, true))
            axes.plot(false, true, color=colour, linewidth=READER_LINE, alpha=READER_ALPHA)
        style = (0, dashes or None)
        axes.plot(*mean_roc(curves), color=colour, linewidth=LINE, linestyle=style, label=f"{label}: {areas[modality]}")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", anchor="N")
    axes.set_xlabel("1 - specificity", size=11)
    return _finished(figure, axes, "mean of the readers; thin: each reader")


def reader_froc_figure(readings: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Return the free-response ROC curves of each modality, over all readings and lesions of any kind.

    Args:
        readings: first readings, with ``modality``, ``malignancy``, ``lesions``, ``found`` and ``false_marks``.
        labels: as in `reader_roc_figure`.
    """
    figure, axes = _figure(len(labels))
    for (modality, label), (colour, dashes, marker) in zip(labels.items(), STYLES, strict=False):
        own = readings[readings["modality"] == modality]
        curve = froc_curve(own["malignancy"], own["found"], own["lesions"], own["false_marks"])
        axes.plot(*curve, color=colour, linewidth=LINE, linestyle=(0, dashes or None), label=label)
        axes.plot(curve.false_marks[-1], curve.sensitivity[-1], color=colour, marker=marker, markersize=8)
    axes.set(ylim=(-0.01, 1.01))
    axes.set_xlim(left=0)
    axes.set_xlabel("false marks a breast", size=11)
    return _finished(figure, axes, "all readers' readings; marker: all marks")


def _figure(lines: int) -> tuple[Figure, Axes]:
    height = SIDE_INCHES + LEGEND_INCHES + 0.21 * lines
    figure = Figure(figsize=(SIDE_INCHES, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots()


def _finished(figure: Figure, axes: Axes, title: str) -> Figure:
    axes.set_ylabel("sensitivity", size=11)
    axes.tick_params(labelsize=9, colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    legend = figure.legend(loc="outside lower center", fontsize=10, frameon=False, handlelength=3.5)
    legend.set_title(title, FontProperties(size=9))
    return figure
