"""Lesion contrast-to-noise ratio against the ring around the lesion."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.config import NdarrayOrTensor

from vdes.metrics.cumulative_region_metric import CumulativeRegionMetric
from vdes.metrics.lesion_ring import lesion_and_ring
from vdes.transforms.lesion_places import RING_WIDTH


def lesion_contrast(
    image: NdarrayOrTensor,
    lesion_mask: NdarrayOrTensor,
    breast_mask: NdarrayOrTensor | None = None,
    ring_width: float = RING_WIDTH,
) -> torch.Tensor:
    r"""Return the contrast-to-noise ratio (CNR) of the lesion: :math:`(\mu_{lesion} - \mu_{ring}) / \sigma_{ring}`.

    The noise is the standard deviation of the tissue around the lesion, because anatomy hides lesions in a breast more
    than quantum noise does (Burgess, Jacobson and Judy, "Human observer detection experiments with mammograms and
    power-law noise", Med. Phys. 28(4), 2001). The ring is that of `lesion_and_ring`.

    The trap: use for each image the mask that was drawn on it. A mask drawn on the low-energy image does not show where
    the subtracted image enhances.

    Args:
        image: images (B, 1, H, W), float, any range: the ratio does not change with level and gain.
        lesion_mask: lesions drawn on these images, (B, 1, H, W) of 0 and 1.
        breast_mask: breasts (B, 1, H, W) of 0 and 1; None is the whole image.
        ring_width: width of the ring as a fraction of the image's height.

    Returns:
        Ratios (B, 1), float64; NaN without a lesion, or where the ring is empty or constant.

    Raises:
        InputError: see `lesion_and_ring`.
    """

    def ratio(lesion: np.ndarray, ring: np.ndarray) -> float:
        if lesion.size == 0 or ring.size == 0 or np.ptp(ring) == 0:
            return np.nan
        return (lesion.mean() - ring.mean()) / ring.std()

    pixels = lesion_and_ring(image, lesion_mask, breast_mask, ring_width)
    return torch.tensor([[ratio(lesion, ring)] for lesion, ring in pixels], dtype=torch.float64)


class LesionContrastMetric(CumulativeRegionMetric):
    """`lesion_contrast` as a MONAI metric: ``metric(image, lesion_mask, mask=breast_mask)``; arguments as there."""

    def __init__(self, ring_width: float = RING_WIDTH, reduction: str = "mean", get_not_nans: bool = False) -> None:
        super().__init__(reduction=reduction, get_not_nans=get_not_nans)
        self.ring_width = ring_width

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return lesion_contrast(y_pred, y, mask, self.ring_width)
