"""Mean absolute error over a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor

from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.regions import check_pair, region_means


def mean_absolute_error(
    y_pred: NdarrayOrTensor, y: NdarrayOrTensor, mask: NdarrayOrTensor | None = None, data_range: float = 1.0
) -> torch.Tensor:
    r"""Return :math:`\frac{1}{|M|} \sum_{i \in M} |\hat y_i - y_i|` for every region M.

    Args:
        y_pred: predicted images (B, 1, H, W), float.
        y: reference images (B, 1, H, W), float in [0, data_range].
        mask: regions (B, R, H, W) of 0 and 1; None is the whole image.
        data_range: width of the fixed range the images were scaled to; it only checks ``y``.

    Returns:
        Errors (B, R) in the images' unit, float64; NaN for an empty region.

    Raises:
        InputError: see `vdes.metrics.regions.check_pair`.
    """
    pair = check_pair(y_pred, y, mask, data_range)
    return region_means(np.abs(pair.y_pred - pair.y), pair.regions)


class MeanAbsoluteErrorMetric(CumulativeRegionMetric):
    """`mean_absolute_error` as a MONAI metric; arguments as there and in `CumulativeRegionMetric`."""

    def __init__(self, data_range: float = 1.0, reduction: str = "mean", get_not_nans: bool = False) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        self.data_range = data_range

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return mean_absolute_error(y_pred, y, mask, self.data_range)
