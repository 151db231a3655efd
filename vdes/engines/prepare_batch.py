"""What a trainer takes from a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch


class PrepareBatchWithMasks(PrepareBatch):
    """Return the low-energy image and the target of `VirtualDesLoss`: DES image, lesion mask and breast mask."""

    def __call__(
        self,
        batchdata: Mapping[str, torch.Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``image`` ``(B, 1, H, W)`` and ``[label, lesion_mask, breast_mask]`` ``(B, 3, H, W)`` on a device."""
        target = torch.cat([batchdata[key] for key in ("label", "lesion_mask", "breast_mask")], dim=1)
        return (
            batchdata["image"].to(device, non_blocking=non_blocking, **kwargs),
            target.to(device, non_blocking=non_blocking, **kwargs),
        )
