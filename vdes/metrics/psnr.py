"""Peak signal-to-noise ratio over a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor

from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.regions import check_pair, region_means


def psnr(
    y_pred: NdarrayOrTensor, y: NdarrayOrTensor, mask: NdarrayOrTensor | None = None, data_range: float = 1.0
) -> torch.Tensor:
    r"""Return :math:`10 \log_{10}(L^2 / \mathrm{MSE}_M)` for every region M, L being ``data_range``.

    The trap: a data range taken from the images (their maximum, or a min-max scaling image by image) makes the figures
    of two images incomparable. Here it is a stated constant.

    Args:
        y_pred: predicted images (B, 1, H, W), float.
        y: reference images (B, 1, H, W), float in [0, data_range].
        mask: regions (B, R, H, W) of 0 and 1; None is the whole image.
        data_range: width of the fixed range the images were scaled to.

    Returns:
        Ratios (B, R) in dB, float64; infinite where the region is reproduced exactly, NaN for an empty region.

    Raises:
        InputError: see `vdes.metrics.regions.check_pair`.
    """
    pair = check_pair(y_pred, y, mask, data_range)
    error = region_means(np.square(pair.y_pred - pair.y), pair.regions)
    return 10 * torch.log10(data_range**2 / error)


class PSNRMetric(CumulativeRegionMetric):
    """`psnr` as a MONAI metric (the mean of the images' ratios); arguments as there and in `CumulativeRegionMetric`."""

    def __init__(self, data_range: float = 1.0, reduction: str = "mean", get_not_nans: bool = False) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        self.data_range = data_range

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return psnr(y_pred, y, mask, self.data_range)
