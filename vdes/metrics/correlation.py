"""Pearson's correlation over a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor

from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.regions import check_pair


def correlation(y_pred: NdarrayOrTensor, y: NdarrayOrTensor, mask: NdarrayOrTensor | None = None) -> torch.Tensor:
    """Return Pearson's correlation of prediction and reference over the pixels of every region.

    It does not depend on the level and gain of either image, so it shows how much of a poor PSNR comes from these.

    Args:
        y_pred: predicted images (B, 1, H, W), float.
        y: reference images (B, 1, H, W), float, any range.
        mask: regions (B, R, H, W) of 0 and 1; None is the whole image.

    Returns:
        Coefficients (B, R) in [-1, 1], float64; NaN where a region is empty or either image is constant in it.

    Raises:
        InputError: see `vdes.metrics.regions.check_pair`.
    """

    def pearson(p: np.ndarray, t: np.ndarray) -> float:
        if p.size == 0 or np.ptp(p) == 0 or np.ptp(t) == 0:
            return np.nan
        return float(np.corrcoef(p, t)[0, 1])

    coefficients = [
        [pearson(p[region], t[region]) for region in regions]
        for p, t, regions in zip(*check_pair(y_pred, y, mask), strict=True)
    ]
    return torch.tensor(coefficients, dtype=torch.float64)


class CorrelationMetric(CumulativeRegionMetric):
    """`correlation` as a MONAI metric; arguments as there and in `CumulativeRegionMetric`."""

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return correlation(y_pred, y, mask)
