"""Where in the breast virtual and real DES disagree, as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from vdes.data.vocabulary import VIEWS
from vdes.errors import InputError
from vdes.metrics.difference_colours import DIFFERENCE_COLOURS
from vdes.study.disagreement import SUMS

BACKGROUND, INK = "#000000", "#e6e6e6"
PANEL_INCHES, FRAME_INCHES, DPI = (2.1, 2.8), 0.4, 150
LEAST_WEIGHT = 0.5  # of the cases, that must have breast at a place for it to be shown


def disagreement_figure(file: Path) -> Figure | None:
    """Return the mean difference, and the mean absolute one, at each place of the breast; a row a view.

    All breasts lie with the chest wall at the left, their bounding boxes stretched to one frame. Each view's scale is
    that of its largest mean.

    Args:
        file: of `vdes.study.disagreement.DisagreementSums`.

    Returns:
        None where no view has a case.

    Raises:
        InputError: the file cannot be read or lacks a map.

    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = {view: {name: arrays[f"{view}_{name}"] for name in (*SUMS, "cases")} for view in VIEWS}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{file}: cannot be read as maps of disagreement ({error})") from error
    views = [view for view in VIEWS if found[view]["cases"]]
    if not views:
        return None
    size = (2 * PANEL_INCHES[0], len(views) * PANEL_INCHES[1] + FRAME_INCHES)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor=BACKGROUND)
    panels = figure.subplots(len(views), 2, squeeze=False)
    for row, view in zip(panels, views, strict=True):
        cases, weight = int(found[view]["cases"]), found[view]["weight"]
        shown = weight >= LEAST_WEIGHT * cases
        signed, absolute = (
            np.where(shown, found[view][name] / np.maximum(weight, 1e-9), 0) for name in ("signed", "absolute")
        )
        reach = max(float(absolute.max()), 1e-6)
        drawn = (("virtual minus real", signed, -reach), ("absolute difference", absolute, 0.0))
        for axes, (title, image, low) in zip(row, drawn, strict=True):
            colours = DIFFERENCE_COLOURS if low else "gray"
            picture = axes.imshow(image, cmap=colours, vmin=low, vmax=reach, interpolation="antialiased")
            axes.set_title(f"{view}, {title}", color=INK, size=9)
            axes.set_axis_off()
            bar = figure.colorbar(picture, ax=axes, orientation="horizontal", pad=0.02, ticks=[low, reach])
            bar.ax.set_xticklabels([f"{low:.3f}", f"{reach:.3f}"], color=INK, size=9)
            bar.outline.set_edgecolor(INK)
    return figure
