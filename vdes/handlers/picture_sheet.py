"""Sheets of pictures: low energy, real DES, virtual DES and their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vdes.data.staging import staged
from vdes.metrics.difference_colours import DIFFERENCE_COLOURS, DIFFERENCE_RANGE

PANELS = {
    "low_energy": "low energy",
    "des": "real DES",
    "virtual_des": "virtual DES",
    "difference": "virtual minus real",
}
OUTLINES = {"low_energy": "lesion_mask", "des": "des_lesion_mask", "virtual_des": "lesion_mask"}
GREY_RANGE = (0.0, 1.0)
FOOTNOTE = "One grey range for all images.\nYellow: lesion as drawn on the image, for virtual DES that of low energy."
BACKGROUND, INK, OUTLINE = "#101214", "#e6e6e6", "#ffd400"

PANEL_INCHES, CAPTION_INCHES, HEADER_INCHES, FOOTER_INCHES, GAP_INCHES = 3.1, 0.34, 0.32, 0.5, 0.06
DPI = 110


def picture_sheet(cases: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Draw one row per case: low energy, real DES, virtual DES, and virtual minus real.

    Every image has the same grey range, [0, 1]. The difference is signed, from -0.3 (blue) through 0 (black) to 0.3
    (orange), and clipped beyond. Lesions are outlined by a thin line: as drawn on DES on the real DES, and as drawn on
    low energy on the low-energy and the virtual image.

    Args:
        cases: each with ``low_energy``, ``des`` and ``virtual_des``, arrays (H, W) or (1, H, W) in [0, 1]; ``caption``,
            a line of text; and, if lesions were drawn, ``lesion_mask`` and ``des_lesion_mask`` of the same size.
        path: path of the picture; its extension determines the format. Written completely or not at all; an existing
            file is replaced.

    Raises:
        InputError: the folder of ``path`` does not exist or cannot be written to.

    """
    images = [
        {key: np.squeeze(np.asarray(case[key])) for key in case if key != "caption" and case[key] is not None}
        for case in cases
    ]
    aspect = max(image["des"].shape[0] / image["des"].shape[1] for image in images)
    height = PANEL_INCHES * aspect
    width_total = len(PANELS) * (PANEL_INCHES + GAP_INCHES) + GAP_INCHES
    height_total = HEADER_INCHES + len(cases) * (height + CAPTION_INCHES) + FOOTER_INCHES
    figure = Figure(figsize=(width_total, height_total), dpi=DPI, facecolor=BACKGROUND)

    def axes(left: float, top: float, width: float, height: float) -> Axes:
        """Place axes by inches from the top left corner."""
        box = (left / width_total, 1 - (top + height) / height_total, width / width_total, height / height_total)
        return figure.add_axes(box, facecolor="black")

    def write(left: float, top: float, text: str, size: float, align: str = "left") -> None:
        """Write a line, its middle ``top`` inches below the top."""
        figure.text(left / width_total, 1 - top / height_total, text, color=INK, size=size, ha=align, va="center")

    lefts = [GAP_INCHES + column * (PANEL_INCHES + GAP_INCHES) for column in range(len(PANELS))]
    for left, title in zip(lefts, PANELS.values(), strict=True):
        write(left + PANEL_INCHES / 2, HEADER_INCHES / 2, title, size=13, align="center")
    top = HEADER_INCHES
    for case, image in zip(cases, images, strict=True):
        write(2 * GAP_INCHES, top + CAPTION_INCHES / 2, case["caption"], size=11)
        top += CAPTION_INCHES
        image["difference"] = image["virtual_des"] - image["des"]
        for left, panel in zip(lefts, PANELS, strict=True):
            _draw(axes(left, top, PANEL_INCHES, height), panel, image)
        top += height
    for panel in ("virtual_des", "difference"):
        left = lefts[list(PANELS).index(panel)]
        _colour_bar(axes(left + 0.3, top + 0.12, PANEL_INCHES - 0.6, 0.12), panel)
    write(2 * GAP_INCHES, top + FOOTER_INCHES / 2, FOOTNOTE, size=9)
    target = Path(path)
    with staged([target], overwrite=True) as stages:
        figure.savefig(stages[target], facecolor=BACKGROUND)


def _scale(panel: str) -> dict[str, Any]:
    if panel == "difference":
        return {"cmap": DIFFERENCE_COLOURS, "vmin": -DIFFERENCE_RANGE, "vmax": DIFFERENCE_RANGE}
    return {"cmap": "gray", "vmin": GREY_RANGE[0], "vmax": GREY_RANGE[1]}


def _draw(axes: Axes, panel: str, image: Mapping[str, np.ndarray]) -> None:
    axes.imshow(image[panel], **_scale(panel), interpolation="antialiased")
    outline = image.get(OUTLINES.get(panel, ""))
    if outline is not None and outline.any():
        axes.contour(outline, levels=[0.5], colors=OUTLINE, linewidths=0.8)
    axes.set_anchor("NW")
    axes.set_axis_off()


def _colour_bar(axes: Axes, panel: str) -> None:
    scale = _scale(panel)
    low, high = scale["vmin"], scale["vmax"]
    axes.imshow(np.linspace(low, high, 256)[None], **scale, aspect="auto", extent=(low, high, 0, 1))
    axes.set_yticks([])
    axes.set_xticks(np.linspace(low, high, 5 if panel == "difference" else 3))
    axes.tick_params(colors=INK, labelsize=9, length=2, pad=2)
    for spine in axes.spines.values():
        spine.set_color(INK)
        spine.set_linewidth(0.5)
