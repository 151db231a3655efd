"""Prepare a batch for the trainer of a joint network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import PrepareBatch

from vdes.engines.prepare_batch import PrepareBatchWithMasks
from vdes.engines.prepare_levels import PrepareLevels


class PrepareJoint(PrepareBatch):
    """Return a `JointNetwork`'s image and breast mask, and by name the targets of both parts of `JointLoss`."""

    def __init__(self) -> None:
        self.fidelity = PrepareBatchWithMasks()
        self.levels = PrepareLevels()

    def __call__(
        self,
        batchdata: Mapping[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor], tuple[torch.Tensor], dict[str, Any]]:
        """Return image, targets (``levels`` those of the classifier), and the network's further arguments."""
        image, target = self.fidelity(batchdata, device, non_blocking, **kwargs)
        _, levels = self.levels(batchdata, device, non_blocking, **kwargs)
        return image, {**target, "levels": levels}, (target["breast_mask"],), {}
