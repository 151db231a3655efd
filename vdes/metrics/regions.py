"""The input checks of all fidelity metrics, and scores over the pixels of a region.

A region is a channel of ``mask``: with a mask of shape (B, R, H, W) a metric returns (B, R) scores, one for each
region, at the cost of one map. An empty region scores NaN, which MONAI's reductions ignore.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from monai.config import NdarrayOrTensor
from monai.utils import convert_to_tensor

from vdes.errors import InputError

RANGE_TOLERANCE = 1e-4


class ImagePair(NamedTuple):
    """A checked batch: the images (B, H, W) in float64 and the regions (B, R, H, W) as booleans."""

    y_pred: np.ndarray
    y: np.ndarray
    regions: np.ndarray


def check_image(name: str, image: NdarrayOrTensor) -> np.ndarray:
    """Return the image batch as float64 on the CPU.

    Args:
        name: its name in errors.
        image: float array or tensor (B, 1, H, W) without NaN or infinite values.

    Returns:
        Array (B, H, W), float64.

    Raises:
        InputError: the image has integers (8-bit arithmetic wraps around), another shape, or values that are not
            finite. A NaN score means an empty region and is ignored in means, so a broken prediction must not give one.
    """
    tensor = convert_to_tensor(image)
    if not tensor.is_floating_point():
        raise InputError(
            f"{name}: expected floats, got {tensor.dtype}: scale it by the fixed range of its datalist first"
        )
    if tensor.ndim != 4 or tensor.shape[1] != 1:
        raise InputError(f"{name}: expected the shape (B, 1, H, W), got {tuple(tensor.shape)}")
    array = tensor.detach().cpu().double()[:, 0].numpy()
    if not np.isfinite(array).all():
        raise InputError(f"{name}: holds NaN or infinite values")
    return array


def check_mask(name: str, mask: NdarrayOrTensor | None, size: tuple[int, int, int]) -> np.ndarray:
    """Return the mask as booleans on the CPU; None is one region, the whole image.

    Args:
        name: its name in errors.
        mask: array or tensor (B, R, H, W) of 0 and 1, any dtype, or None.
        size: (B, H, W) of the images it belongs to.

    Returns:
        Array (B, R, H, W), bool.

    Raises:
        InputError: the mask has another size, or values other than 0 and 1 (a mask resampled by interpolation).
    """
    batch, *plane = size
    if mask is None:
        return np.ones((batch, 1, *plane), dtype=bool)
    array = convert_to_tensor(mask).detach().cpu().numpy()
    if array.ndim != 4 or (array.shape[0], *array.shape[2:]) != size:
        raise InputError(f"{name}: expected the shape {(batch, 'R', *plane)} of its image, got {array.shape}")
    inside = array == 1
    other = array[~inside & (array != 0)]
    if other.size:
        raise InputError(f"{name}: expected 0 and 1 only, got {other[0]:g}; resample masks by nearest neighbour")
    return inside


def check_pair(
    y_pred: NdarrayOrTensor, y: NdarrayOrTensor, mask: NdarrayOrTensor | None, data_range: float | None = None
) -> ImagePair:
    """Check a prediction, its reference and the regions against each other.

    Args:
        y_pred: predicted images, floats (B, 1, H, W); values may overshoot the data range.
        y: reference images of the same shape.
        mask: regions (B, R, H, W) of 0 and 1, or None for the whole image.
        data_range: the width of the fixed range [0, data_range] that the reference was scaled to; None if the metric
            does not depend on it.

    Raises:
        InputError: shapes differ, values are integers or not finite, or the reference is outside its range.
    """
    prediction, reference = check_image("y_pred", y_pred), check_image("y", y)
    if prediction.shape != reference.shape:
        raise InputError(f"y_pred and y: sizes differ, (B, H, W) is {prediction.shape} and {reference.shape}")
    if data_range is not None:
        if not data_range > 0:
            raise InputError(f"data_range: expected a positive number, got {data_range}")
        low, high, slack = reference.min(), reference.max(), RANGE_TOLERANCE * data_range
        if low < -slack or high > data_range + slack:
            raise InputError(
                f"y: values from {low:.4g} to {high:.4g} are outside [0, {data_range:g}]: "
                "scale images by the fixed range of their datalist"
            )
    return ImagePair(prediction, reference, check_mask("mask", mask, prediction.shape))


def region_means(values: np.ndarray, regions: np.ndarray) -> torch.Tensor:
    """Return the mean of ``values`` (B, H, W) over each of ``regions`` (B, R, H, W).

    Returns:
        Means (B, R), float64; NaN for an empty region.
    """
    sums = np.einsum("brhw,bhw->br", regions.astype(np.float64), values)
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(sums / regions.sum(axis=(2, 3)))
