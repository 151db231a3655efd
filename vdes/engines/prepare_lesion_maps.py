"""Prepare a batch with lesions for the classifier's trainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch

from vdes.engines.prepare_levels import PrepareLevels


class PrepareLesionMaps(PrepareBatch):
    """Return the images, the targets of both parts of `vdes.losses.lesion_map_loss.LesionMapLoss`, and ask for maps."""

    def __init__(self) -> None:
        self.levels = PrepareLevels()

    def __call__(
        self,
        batchdata: Mapping[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor], tuple[()], dict[str, Any]]:
        """Return ``image`` (B, 2, H, W), the targets and the network's further arguments.

        The targets are ``levels`` (B, 3) and ``lesion_map`` (B, 2, H, W).
        """
        image, levels = self.levels(batchdata, device, non_blocking, **kwargs)
        lesions = batchdata["lesion_map"].to(device, non_blocking=non_blocking, **kwargs)
        return image, {"levels": levels, "lesion_map": lesions}, (), {"lesion_map": True}
