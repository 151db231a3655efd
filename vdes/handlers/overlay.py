"""A heat map over a grey image."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike
from PIL import Image

from vdes.data.staging import staged
from vdes.errors import InputError

COLOURS = LinearSegmentedColormap.from_list("heat", matplotlib.colormaps["plasma"](np.linspace(0.35, 1, 256)))
FLOOR = 0.2  # heat up to which the image shows unchanged
OPACITY = 0.6


def overlay(image: ArrayLike, heat_map: ArrayLike, floor: float = FLOOR, opacity: float = OPACITY) -> np.ndarray:
    """Return an image with a heat map, such as a Grad-CAM, as an overlay.

    Each pixel is ``(1 - a) * grey + a * colour``; ``a`` increases linearly from 0 (heat of ``floor`` or less) to
    ``opacity`` (heat of 1), so the image is unchanged in cold areas and shines through the colour in hot ones.
    Grad-CAM: Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", ICCV 2017. Its authors' rainbow colours produce bands and uneven brightness (Borland and Taylor,
    "Rainbow color map (still) considered harmful", IEEE Computer Graphics and Applications 27(2), 2007). The colours
    here are perceptually uniform, from purple to yellow, for all kinds of colour vision: matplotlib's plasma without
    its dark third, which would draw a dark ring around hot areas.

    Args:
        image: grey image (H, W) in [0, 1].
        heat_map: (H, W) in [0, 1].
        floor: in [0, 1).
        opacity: in [0, 1]; 0 leaves the image unchanged.

    Returns:
        RGB image (H, W, 3), uint8.

    Raises:
        InputError: the arrays do not have the same shape (H, W), or values are out of range.

    """
    grey, heat = np.asarray(image, dtype=float), np.asarray(heat_map, dtype=float)
    if grey.ndim != 2 or grey.size == 0 or heat.shape != grey.shape:
        raise InputError(f"image, heat_map: expected two of (H, W), got {grey.shape} and {heat.shape}")
    for name, values in (("image", grey), ("heat_map", heat)):
        if not ((values >= 0) & (values <= 1)).all():
            raise InputError(f"{name}: expected values in [0, 1], got {values.min():g} to {values.max():g}")
    if not (0 <= floor < 1 and 0 <= opacity <= 1):
        raise InputError(f"floor, opacity: expected numbers in [0, 1) and [0, 1], got {floor} and {opacity}")
    shown = ((heat - floor) / (1 - floor)).clip(0)
    share = opacity * shown[..., None]
    blended = (1 - share) * grey[..., None] + share * COLOURS(shown)[..., :3]
    return np.rint(255 * blended).astype(np.uint8)


def overlay_picture(
    image: ArrayLike, heat_map: ArrayLike, path: str | Path, floor: float = FLOOR, opacity: float = OPACITY
) -> None:
    """Write `overlay` as a PNG file.

    Args:
        image: as in `overlay`.
        heat_map: as in `overlay`.
        path: path of the file, which is PNG regardless of its name. Written completely or not at all; an existing file
            is replaced.
        floor: as in `overlay`.
        opacity: as in `overlay`.

    Raises:
        InputError: as `overlay`, or the folder of ``path`` does not exist or cannot be written to.

    """
    picture = Image.fromarray(overlay(image, heat_map, floor, opacity))
    target = Path(path)
    with staged([target], overwrite=True) as stages:
        picture.save(stages[target], "PNG", optimize=True)
