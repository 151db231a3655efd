"""Find the breast in a mammogram."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_tensor
from scipy import ndimage

from vdes.errors import InputError

FAT = 0.2  # fraction of the range from the darkest pixel to the threshold; brighter pixels may be fat
HALO = 3  # pixels by which a breast's blurred edge may exceed the dark threshold outside the skin


class BreastMask(Transform):
    """Return the mask ``(1, H, W)`` of the breast, float32 0 or 1, in a mammogram ``(1, H, W)``.

    The image is smoothed by a Gaussian of one pixel and thresholded at ``threshold``. The largest connected part is the
    breast, which removes labels and markers, and its holes are filled. The trap: the maker's processing can leave fat
    almost as black as air. So pixels above a fifth of the range from air (the darkest pixel) to the threshold belong to
    the breast too, except for 3 pixels at the edge, where blur and compression leave a halo outside the skin; and a
    hole that is open only towards the chest wall is filled.

    Args:
        threshold: intensity that separates air from breast, in the units of the image. Presentation images have air at
            the bottom of their range; 2 % of the range is a good value.

    Raises:
        InputError: no pixel of the image is above the threshold.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def __call__(self, image: torch.Tensor) -> MetaTensor:
        """Return the breast mask of ``image``."""
        pixels = convert_to_tensor(image, track_meta=False)[0].numpy()
        smooth = ndimage.gaussian_filter(pixels, 1.0)
        above = smooth > self.threshold
        air = float(smooth.min())
        maybe_fat = smooth > air + FAT * (self.threshold - air)
        dark = eroded(maybe_fat, HALO)
        labels, count = ndimage.label(above | dark if above.any() else above)
        if count == 0:
            name = image.meta.get("filename_or_obj", "image") if isinstance(image, MetaTensor) else "image"
            raise InputError(
                f"{name}: no breast: no pixel above {self.threshold:g} (the threshold between air and breast)"
            )
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        mask = labels == sizes.argmax()
        mask = ndimage.binary_fill_holes(_close_chest_wall(mask))[:, 1:-1]
        filled = torch.from_numpy(mask.astype(np.float32))[None]
        return MetaTensor(filled, affine=image.affine) if isinstance(image, MetaTensor) else MetaTensor(filled)


def eroded(mask: np.ndarray, iterations: int) -> np.ndarray:
    """Return what SciPy's ``binary_erosion`` with ``border_value=1`` makes of ``mask`` ``(H, W)``, faster."""
    for _ in range(iterations):
        around = np.pad(mask, 1, constant_values=True)
        rows, columns = around[:, 1:-1], around[1:-1]
        mask = mask & rows[:-2] & rows[2:] & columns[:, :-2] & columns[:, 2:]
    return mask


def _close_chest_wall(mask: np.ndarray) -> np.ndarray:
    """Return ``mask`` with a column added at each side; that at the chest wall is set over the rows of the breast."""
    padded = np.pad(mask, ((0, 0), (1, 1)))
    side = 0 if chest_wall_is_left(mask) else -1
    rows = np.flatnonzero(mask[:, side])
    if rows.size:
        padded[rows[0] : rows[-1] + 1, side] = True
    return padded


def chest_wall_is_left(mask: np.ndarray) -> bool:
    """Tell whether the chest wall, where the breast is widest, is at the left of a breast mask ``(H, W)``."""
    half = mask.shape[1] // 2
    return bool(mask[:, :half].sum() >= mask[:, mask.shape[1] - half :].sum())


class BreastMaskd(MapTransform):
    """Dictionary form of `BreastMask`: one mask for each key, under the names ``output_keys``."""

    def __init__(self, keys: KeysCollection, output_keys: KeysCollection, threshold: float | tuple[float, ...]) -> None:
        super().__init__(keys)
        self.output_keys = (output_keys,) if isinstance(output_keys, str) else tuple(output_keys)
        thresholds = threshold if isinstance(threshold, tuple) else (threshold,) * len(self.keys)
        self.masks = [BreastMask(value) for value in thresholds]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with the masks added."""
        d = dict(data)
        for key, output_key, mask in self.key_iterator(d, self.output_keys, self.masks):
            d[output_key] = mask(d[key])
        return d
