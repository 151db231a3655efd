"""Area under the ROC curve of lesion pixels against the ring around them, by intensity."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor
from sklearn.metrics import roc_auc_score

from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.lesion_ring import lesion_and_ring
from vdes.transforms.lesion_places import RING_WIDTH


def lesion_roc_area(
    image: NdarrayOrTensor,
    lesion_mask: NdarrayOrTensor,
    breast_mask: NdarrayOrTensor | None = None,
    ring_width: float = RING_WIDTH,
) -> torch.Tensor:
    """Return the probability that a lesion pixel is brighter than a pixel of the ring around it (ties count half).

    This is the area under the ROC curve (Hanley and McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 143(1), 1982). A comparison with the whole breast would prove little, because
    lesions lie in bright tissue, where low-energy brightness alone does well. So lesions are compared with the ring of
    `lesion_and_ring`.

    Args:
        image: images (B, 1, H, W), float, any range: the area is the same for any monotonic grey scale.
        lesion_mask: lesions drawn on these images, (B, 1, H, W) of 0 and 1.
        breast_mask: breasts (B, 1, H, W) of 0 and 1; None is the whole image.
        ring_width: width of the ring as a fraction of the image's height.

    Returns:
        Areas (B, 1) in [0, 1], float64; .5 is no contrast, NaN without a lesion or a ring.

    Raises:
        InputError: see `lesion_and_ring`.
    """

    def area(lesion: np.ndarray, ring: np.ndarray) -> float:
        if lesion.size == 0 or ring.size == 0:
            return np.nan
        in_lesion = np.arange(lesion.size + ring.size) < lesion.size
        return float(roc_auc_score(in_lesion, np.concatenate([lesion, ring])))

    pixels = lesion_and_ring(image, lesion_mask, breast_mask, ring_width)
    return torch.tensor([[area(lesion, ring)] for lesion, ring in pixels], dtype=torch.float64)


class LesionROCAreaMetric(CumulativeRegionMetric):
    """`lesion_roc_area` as a MONAI metric: ``metric(image, lesion_mask, mask=breast_mask)``; arguments as there."""

    def __init__(self, ring_width: float = RING_WIDTH, reduction: str = "mean", get_not_nans: bool = False) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        self.ring_width = ring_width

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return lesion_roc_area(y_pred, y, mask, self.ring_width)
