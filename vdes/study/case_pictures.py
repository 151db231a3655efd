"""The pictures of one case for a reader: 8 bits, in the orientation of its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image
from skimage.measure import approximate_polygon, find_contours

from vdes.metrics.difference_colours import DIFFERENCE_COLOURS, DIFFERENCE_RANGE, DIFFERENCE_STEPS
from vdes.study.aligned_images import VIRTUAL

MAX_HEIGHT = 384
DIFFERENCE = "difference-"  # what a generator's name follows
SIMPLIFY_PX = 0.5  # of the picture, by which an outline may leave the mask's


def picture_shape(case: Mapping[str, Any]) -> tuple[int, int]:
    """Return rows and columns of a case's pictures: the cropped breast, at most `MAX_HEIGHT` rows.

    Args:
        case: of `vdes.study.aligned_images.AlignedImages`.
    """
    rows, columns = case["content"]
    scale = min(1.0, MAX_HEIGHT / rows)
    return round(rows * scale), max(1, round(columns * scale))


def case_pictures(case: Mapping[str, Any]) -> dict[str, Image.Image]:
    """Return the pictures of a case by kind.

    ``low_energy``, ``des`` and ``virtual_des-<g>`` are grey, with the same window: 0 is black and 1 white.
    ``difference-<g>`` is virtual minus real inside the breast, from ``-DIFFERENCE_RANGE`` (blue) through 0 (black) to
    ``DIFFERENCE_RANGE`` (orange), and black outside.

    Args:
        case: of `vdes.study.aligned_images.AlignedImages`.
    """
    images = {key: case[key][0].numpy() for key in case if key in ("low_energy", "des") or key.startswith(VIRTUAL)}
    pictures = {
        kind: Image.fromarray(np.rint(255 * _shown(case, image)).astype(np.uint8)) for kind, image in images.items()
    }
    inside = case["breast_mask"][0].numpy() > 0
    palette = np.rint(255 * DIFFERENCE_COLOURS(np.linspace(0, 1, DIFFERENCE_STEPS))[:, :3]).astype(np.uint8)
    for kind in images:
        if kind.startswith(VIRTUAL):
            difference = _shown(case, np.where(inside, images[kind] - images["des"], 0)).clip(
                -DIFFERENCE_RANGE, DIFFERENCE_RANGE
            )
            steps = np.rint((difference / DIFFERENCE_RANGE + 1) * (DIFFERENCE_STEPS - 1) / 2).astype(np.uint8)
            coloured = Image.fromarray(steps)
            coloured.putpalette(palette.tobytes())  # a third of the size of an RGB picture
            pictures[DIFFERENCE + kind.removeprefix(VIRTUAL)] = coloured
    return pictures


def case_outline(case: Mapping[str, Any]) -> list[list[list[float]]]:
    """Return the outlines of a case's lesions in its pictures.

    Args:
        case: of `vdes.study.aligned_images.AlignedImages`.

    Returns:
        Closed polygons of [x, y] in pixels of the pictures, with [0, 0] at the centre of the top left pixel: those of
        the lesions drawn on low energy or, if there are none, on DES; [] without either.
    """
    drawn, on_des = (case[key][0].numpy() > 0 for key in ("lesion_mask", "des_lesion_mask"))
    mask = np.pad(drawn if drawn.any() else on_des, 1)
    rows, columns = picture_shape(case)
    scale = rows / case["content"][0]
    outlines = []
    for contour in find_contours(mask.astype(float), 0.5):
        y, x = (approximate_polygon(contour, SIMPLIFY_PX / scale) - 0.5).T * scale  # from the corner; the padding is 1
        if case["mirrored"]:
            x = columns - x
        outlines.append(np.round(np.stack([x, y], axis=1) - 0.5, 1).tolist())
    return outlines


def _shown(case: Mapping[str, Any], image: np.ndarray) -> np.ndarray:
    """Return an image (H, W) of a case with the crop, the orientation and the size of its pictures."""
    rows, columns = case["content"]
    shown = image[:rows, :columns]
    height, width = picture_shape(case)
    if height != rows:
        # Pillow's filter widens as an image shrinks: no aliasing
        resized = Image.fromarray(shown.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
        shown = np.asarray(resized)
    return shown[:, ::-1] if case["mirrored"] else shown
