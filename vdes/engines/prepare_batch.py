"""What a trainer takes from a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch


class PrepareBatchWithLesion(PrepareBatch):
    """Return the low-energy image and the target of `VirtualDesLoss`: DES image and lesion mask in two channels."""

    def __call__(
        self,
        batchdata: Mapping[str, torch.Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``image`` ``(B, 1, H, W)`` and ``[label, lesion_mask]`` ``(B, 2, H, W)`` on ``device``."""
        target = torch.cat([batchdata["label"], batchdata["lesion_mask"]], dim=1)
        return (
            batchdata["image"].to(device, non_blocking=non_blocking, **kwargs),
            target.to(device, non_blocking=non_blocking, **kwargs),
        )
