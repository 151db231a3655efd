"""The MONAI metric that the metrics over regions derive from."""

from __future__ import annotations

from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric
from monai.metrics.utils import do_metric_reduction
from monai.utils import MetricReduction


class CumulativeRegionMetric(CumulativeIterationMetric):
    """A `CumulativeIterationMetric` called as ``metric(y_pred, y, mask=mask)``.

    ``y_pred`` and ``y`` are batches (B, 1, H, W) or lists of images (1, H, W); ``mask`` is the regions in the same form
    with R channels, or None for the whole image. Each call returns and keeps (B, R) scores.

    Unlike MONAI's `RegressionMetric` it takes a mask, and `aggregate` gives NaN, not 0, if no image had the region.

    Args:
        reduction: how `aggregate` reduces (B, R) scores, see `monai.metrics.utils.do_metric_reduction`; NaN are left
            out.
        get_not_nans: whether `aggregate` returns (score, number of scores that are not NaN).
    """

    def __init__(self, reduction: MetricReduction | str = MetricReduction.MEAN, get_not_nans: bool = False) -> None:
        super().__init__()
        self.reduction = reduction
        self.get_not_nans = get_not_nans

    def _compute_list(self, y_pred: Any, y: Any = None, mask: Any = None) -> torch.Tensor:
        masks = [None] * len(y_pred) if mask is None else mask
        return torch.cat(
            [
                self._compute_tensor(p[None], t[None], mask=None if m is None else m[None])
                for p, t, m in zip(y_pred, y, masks, strict=True)
            ]
        )

    def aggregate(
        self, reduction: MetricReduction | str | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Reduce the scores kept so far; NaN where all of them are NaN."""
        score, not_nans = do_metric_reduction(self.get_buffer(), reduction or self.reduction)
        score = torch.where(not_nans > 0, score, torch.nan)
        return (score, not_nans) if self.get_not_nans else score
