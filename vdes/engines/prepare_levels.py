"""Prepare a batch for the classifier's trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.engines import PrepareBatch


class PrepareLevels(PrepareBatch):
    """Return the images and the target of `vdes.losses.multi_level_loss.MultiLevelLoss`."""

    def __call__(
        self,
        batchdata: Mapping[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``image`` ``(B, 2, H, W)``, and pathology, breast and examination ``(B, 3)``, on a device.

        The batch's ``breast`` and ``examination`` are names; they are numbered from 0 in order of appearance.
        """
        counted = [_counted(batchdata[level]) for level in ("breast", "examination")]
        target = torch.stack([batchdata["pathology_index"].long(), *counted], dim=1)
        return (
            batchdata["image"].to(device, non_blocking=non_blocking, **kwargs),
            target.to(device, non_blocking=non_blocking),
        )


def _counted(names: Sequence[str]) -> torch.Tensor:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return torch.tensor([numbers[name] for name in names])
