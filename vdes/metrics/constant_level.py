"""The constant level inside the breast: the prediction that does not use the image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from tqdm import tqdm

from vdes.errors import InputError
from vdes.metrics.decollated import case_values, naming_case
from vdes.metrics.regions import check_image, check_mask


def constant_level(items: Iterable[Mapping[str, Any]]) -> float:
    """Return the mean over training images of the mean real DES level inside the breast.

    Every image has the same weight, regardless of its breast's size, so this is the constant with the smallest mean
    squared error per image. A useful virtual DES must beat it.

    Args:
        items: training cases without augmentation, each with ``label``, the real DES (1, H, W), float, and
            ``breast_mask`` (1, H, W) of 0 and 1; ``case`` names it in errors.

    Returns:
        The level, in the unit of the images.

    Raises:
        InputError: there are no items, a breast mask is empty, or a metric would refuse an image.
    """
    levels = []
    for item in tqdm(items, desc="constant level", leave=False):
        with naming_case(item):
            image, mask = case_values(item, ["label", "breast_mask"])
            des = check_image("label", image[None])
            breast = check_mask("breast_mask", mask[None], des.shape)[:, 0]
            if not breast.any():
                raise InputError("breast_mask: no pixel is inside the breast")
            levels.append(des[breast].mean())
    if not levels:
        raise InputError("training: no case to fit the constant level on")
    return float(np.mean(levels))
