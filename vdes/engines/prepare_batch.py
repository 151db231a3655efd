"""Prepare a batch for a trainer of virtual DES."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch
from monai.utils import CommonKeys

MASKS = ("lesion_mask", "des_lesion_mask", "breast_mask")


class PrepareBatchWithMasks(PrepareBatch):
    """Return the low-energy image and, by name, the DES image and the masks that a loss may ask for."""

    def __call__(
        self,
        batchdata: Mapping[str, torch.Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return ``image``, and a target of ``des`` and those of `MASKS` that there are; all (B, 1, H, W)."""
        keys = {"des": CommonKeys.LABEL, **{name: name for name in MASKS if name in batchdata}}
        # one copy to the device for all
        stacked = torch.cat([batchdata[key] for key in keys.values()], dim=1)
        stacked = stacked.to(device, non_blocking=non_blocking, **kwargs)
        return (
            batchdata[CommonKeys.IMAGE].to(device, non_blocking=non_blocking, **kwargs),
            dict(zip(keys, stacked.split(1, dim=1), strict=True)),
        )
