"""The reliability diagram: are the probabilities of malignancy calibrated?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.statistics.calibration import reliability_curve
from vdes.statistics.classification_metrics import ECE_BINS, classification_metrics

# blue and vermilion of Okabe and Ito, "Color universal design", 2008: distinct for all kinds of colour vision
STYLES = (("#0072B2", "o"), ("#D55E00", "s"))
INK, GRID = "#333333", "#dddddd"
SIZE_INCHES, HEIGHT_RATIOS = (5.0, 6.2), (3.2, 1.0)
DPI = 150


def calibration_plot(malignant: ArrayLike, probabilities: Mapping[str, ArrayLike], path: str | Path) -> None:
    """Draw `calibration_figure` into a picture.

    Args:
        malignant: as in `calibration_figure`.
        probabilities: as in `calibration_figure`.
        path: path of the picture; its extension determines the format. Written completely or not at all; an existing
            file is replaced.

    Raises:
        InputError: as `calibration_figure`, or the folder of ``path`` does not exist or cannot be written to.

    """
    figure = calibration_figure(malignant, probabilities)
    target = Path(path)
    with staged([target], overwrite=True) as stages:
        figure.savefig(stages[target])


def calibration_figure(malignant: ArrayLike, probabilities: Mapping[str, ArrayLike]) -> Figure:
    """Return the reliability diagram of one or two sets of probabilities, such as before and after temperature scaling.

    The upper part shows the share of malignant cases against the mean probability in `ECE_BINS` bins of equal width,
    with Wilson's 95 % interval, and the diagonal of perfect calibration; the legend has the expected calibration error.
    The lower part shows the number of cases in each bin (DeGroot and Fienberg, "The comparison and evaluation of
    forecasters", The Statistician 32(1-2), 1983; Niculescu-Mizil and Caruana, "Predicting good probabilities with
    supervised learning", ICML 2005). The intervals treat cases as independent, so with several cases per patient they
    are too narrow.

    Args:
        malignant: labels (N,), 0 or 1.
        probabilities: by name, one or two sets of probabilities of malignancy, (N,) in [0, 1].

    Raises:
        InputError: there are no or more than two sets of probabilities, or as `reliability_curve`.

    """
    if not 1 <= len(probabilities) <= len(STYLES):
        raise InputError(f"probabilities: expected one or two sets, got {len(probabilities)}")
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=HEIGHT_RATIOS)
    upper.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="perfect calibration")
    for number, (name, probability) in enumerate(probabilities.items()):
        curve = reliability_curve(malignant, probability)
        error = float(classification_metrics(malignant, probability, metrics=["ece"])["ece"][0])
        _draw_curve(upper, curve, number, f"{name} (ECE {error:.3f})")
        _draw_counts(lower, curve, number, len(probabilities))
    _finish(upper, lower)
    return figure


def _draw_curve(axes: Axes, curve: pd.DataFrame, number: int, label: str) -> None:
    colour, marker = STYLES[number]
    share = curve["malignant_share"]
    axes.errorbar(
        curve["mean_probability"],
        share,
        yerr=np.stack([share - curve["low"], curve["high"] - share]).clip(0),
        color=colour,
        marker=marker,
        markersize=5.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linewidth=1.6,
        elinewidth=1,
        capsize=2.5,
        label=label,
    )


def _draw_counts(axes: Axes, curve: pd.DataFrame, number: int, sets: int) -> None:
    width = 0.86 / ECE_BINS / sets
    middle = (curve["from"] + curve["to"]) / 2 + (number - (sets - 1) / 2) * width
    bars = axes.bar(middle, curve["cases"], width=width, color=STYLES[number][0])
    axes.bar_label(bars, size=7, color=INK, padding=1, rotation=90 if sets > 1 else 0)


def _finish(upper: Axes, lower: Axes) -> None:
    upper.set(xlim=(0, 1), ylim=(0, 1))
    upper.set_ylabel("share of malignant cases, 95 % interval", size=11)
    upper.legend(loc="upper left", fontsize=9, frameon=False)
    lower.set_xlabel("predicted probability of malignancy", size=11)
    lower.set_ylabel("cases", size=11)
    lower.set_xticks(np.linspace(0, 1, 6))
    lower.margins(y=0.25)
    for axes in (upper, lower):
        axes.tick_params(labelsize=9, colors=INK)
        axes.grid(color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
