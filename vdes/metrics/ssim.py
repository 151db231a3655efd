"""Structural similarity over a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor
from skimage.metrics import structural_similarity

from vdes.errors import InputError
from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.regions import check_pair, region_means

WINDOW = 11
SIGMA = 1.5


def ssim(
    y_pred: NdarrayOrTensor, y: NdarrayOrTensor, mask: NdarrayOrTensor | None = None, data_range: float = 1.0
) -> torch.Tensor:
    """Return the structural similarity index (SSIM) of every region.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE
    Trans. Image Process. 13(4), 2004: Gaussian window of 11 pixels, sigma 1.5, K1 = .01, K2 = .03, population
    covariance. The score of a region is the mean of the SSIM map over its pixels. As in the paper and scikit-image,
    only windows that lie entirely in the image count: pixels of the region within 5 pixels of the image border are
    excluded.

    The map is scikit-image's, in float64: MONAI's is float32, and its variances cancel in bright flat regions (3e-4 too
    high for levels of .9 and .93).

    Args:
        y_pred: predicted images (B, 1, H, W), float; H and W at least 11.
        y: reference images (B, 1, H, W), float in [0, data_range].
        mask: regions (B, R, H, W) of 0 and 1; None is the whole image.
        data_range: width of the fixed range the images were scaled to.

    Returns:
        Indices (B, R), at most 1, float64; NaN for a region without a pixel away from the border.

    Raises:
        InputError: the images are smaller than the window, or as in `vdes.metrics.regions.check_pair`.
    """
    pair = check_pair(y_pred, y, mask, data_range)
    if min(pair.y.shape[1:]) < WINDOW:
        raise InputError(f"y: expected images of at least {WINDOW} x {WINDOW} pixels, got {pair.y.shape[1:]}")
    maps = np.stack(
        [
            structural_similarity(
                t, p, data_range=data_range, gaussian_weights=True, sigma=SIGMA, use_sample_covariance=False, full=True
            )[1]
            for p, t in zip(pair.y_pred, pair.y, strict=True)
        ]
    )
    border = WINDOW // 2
    inner = (..., slice(border, -border), slice(border, -border))
    return region_means(maps[inner], pair.regions[inner])


class SSIMMetric(CumulativeRegionMetric):
    """`ssim` as a MONAI metric; arguments as there and in `CumulativeRegionMetric`."""

    def __init__(self, data_range: float = 1.0, reduction: str = "mean", get_not_nans: bool = False) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        self.data_range = data_range

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return ssim(y_pred, y, mask, self.data_range)
