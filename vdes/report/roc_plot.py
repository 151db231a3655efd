"""ROC curves of one or several classifiers, with the point at which each decides."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from sklearn.metrics import roc_auc_score, roc_curve

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.statistics.bootstrap import Interval
from vdes.statistics.classification_metrics import classification_metrics
from vdes.statistics.interval_text import interval_text
from vdes.statistics.predictions import known_cases

# of Okabe and Ito, "Color universal design", 2008, less yellow, which is too light for a line; with a dash pattern and
# a marker each, so that curves are told apart in print without colour too
STYLES: tuple[tuple[str, tuple[float, ...], str], ...] = (
    ("#0072B2", (), "o"),
    ("#D55E00", (6, 2), "s"),
    ("#009E73", (2, 1.5), "^"),
    ("#CC79A7", (6, 1.5, 1.5, 1.5), "D"),
    ("#E69F00", (1, 1), "v"),
    ("#56B4E9", (9, 3), "X"),
)
INK, GRID = "#333333", "#dddddd"
SIDE_INCHES, TITLE_INCHES, LINE_INCHES, DPI = 5.0, 0.25, 0.21, 150
LETTERS_AN_INCH = 11  # of a line of the legend


def roc_plot(
    arms: Mapping[str, pd.DataFrame], path: str | Path, intervals: Mapping[str, Interval] | None = None
) -> None:
    """Draw `roc_figure` into a picture.

    Args:
        arms: as in `roc_figure`.
        path: of the picture; its extension says the format. Written whole or not at all; an existing one is replaced.
        intervals: as in `roc_figure`.

    Raises:
        InputError: as `roc_figure`; also when the folder of ``path`` does not exist or cannot be written to.

    """
    figure = roc_figure(arms, intervals)
    target = Path(path)
    with staged([target], overwrite=True) as stages:
        figure.savefig(stages[target])


def roc_figure(
    arms: Mapping[str, pd.DataFrame], intervals: Mapping[str, Interval] | None = None, side: float = SIDE_INCHES
) -> Figure:
    """Return the ROC curves of one or several arms.

    A curve is sensitivity against 1 - specificity over all thresholds; equal probabilities are joined by a straight
    line, as the area counts them (Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27(8), 2006).
    The marker on it is the operating point: where the arm's decisions are. It lies beside the curve where the threshold
    differs between folds.

    Args:
        arms: by name, one table of predictions an arm, of one level, as in
            `vdes.statistics.predictions.known_cases`.
        intervals: by name, an arm's AUC with its interval, as the summaries of `vdes.statistics` give it, for the
            legend; the area itself is computed here.
        side: width in inches.

    Raises:
        InputError: on no arm or more than six, an arm of one class only, an interval without its arm, or as
            `known_cases`.

    """
    if not 1 <= len(arms) <= len(STYLES):
        raise InputError(f"arms: expected 1 to {len(STYLES)}, got {len(arms)}")
    bounds = dict(intervals or {})
    if bounds.keys() - arms.keys():
        raise InputError(f"intervals: expected some of {', '.join(arms)}, got {min(bounds.keys() - arms.keys())}")
    figure = Figure(dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    handles = [
        _draw(axes, name, known_cases(table, name), style, bounds.get(name), int(side * LETTERS_AN_INCH))
        for (name, table), style in zip(arms.items(), STYLES, strict=False)
    ]
    lines = sum(1 + str(handle.get_label()).count("\n") for handle in handles)
    figure.set_size_inches(side, side + TITLE_INCHES + LINE_INCHES * lines)
    # below the axes, where it hides no curve
    legend = figure.legend(
        handles=handles, loc="outside lower center", fontsize=10, frameon=False, handlelength=3.5, borderaxespad=0.8
    )
    legend.set_title("markers: operating points", FontProperties(size=9))
    _finish(axes)
    return figure


def _draw(
    axes: Axes,
    name: str,
    cases: pd.DataFrame,
    style: tuple[str, tuple[float, ...], str],
    interval: Interval | None,
    letters: int,
) -> Line2D:
    """Draw the curve of one arm and the point on it; return the line for the legend."""
    malignant, probability = cases["malignant"], cases["probability"]
    if malignant.nunique() != 2:
        raise InputError(f"{name}: expected malignant and other cases, {malignant.sum()} of {len(cases)} are malignant")
    colour, dashes, marker = style
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    label = f"{name}: AUC {interval_text(roc_auc_score(malignant, probability), low, high)}"
    line: dict[str, Any] = {"color": colour, "linewidth": 1.8, "linestyle": (0, dashes or None)}
    point: dict[str, Any] = {"marker": marker, "markersize": 9.5, "markeredgecolor": "white", "markeredgewidth": 0.8}
    false_positives, sensitivity, _ = roc_curve(malignant, probability)
    axes.plot(false_positives, sensitivity, **line)
    at = classification_metrics(
        malignant, probability, prediction=cases["prediction"], metrics=["specificity", "sensitivity"]
    )
    axes.plot(1 - at["specificity"], at["sensitivity"], color=colour, zorder=3, **point)
    return Line2D([], [], label=textwrap.fill(label, letters), **line, **point)


def _finish(axes: Axes) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", anchor="N")
    axes.set_xlabel("1 - specificity", size=11)
    axes.set_ylabel("sensitivity", size=11)
    axes.tick_params(labelsize=9, colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
