"""Any loss of images, applied to a target whose parts have names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from vdes.errors import InputError
from vdes.losses.masks_asked_for import masks_asked_for

DES = "des"


class NamedTargetLoss(nn.Module):
    """Pass the real DES image to a loss, and the masks that the loss asks for by name.

    This calls ``loss(pred, des)`` for any loss of two images, such as `torch.nn.L1Loss`. A loss whose ``forward`` has
    an argument ``lesion_mask``, ``des_lesion_mask`` or ``breast_mask``, such as
    `vdes.losses.virtual_des_loss.VirtualDesLoss`, also gets that mask.

    The trap: with images and masks in one tensor, broadcasting would compare them all with the one-channel prediction
    without an error, and a loss without masks would train on them too.

    Args:
        loss: takes prediction and target, both ``(B, 1, H, W)``, and returns a scalar.

    Raises:
        InputError: ``loss`` does not take a prediction and a target.

    Example:
        >>> des = torch.rand(2, 1, 8, 8)
        >>> target = {"des": des, "lesion_mask": torch.ones_like(des), "breast_mask": torch.ones_like(des)}
        >>> round(float(NamedTargetLoss(nn.L1Loss())(des + 0.5, target)), 6)
        0.5

    """

    def __init__(self, loss: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.masks = masks_asked_for(loss)
        self.loss = loss

    def forward(self, pred: torch.Tensor, target: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            pred: virtual DES ``(B, 1, H, W)``.
            target: ``des``, the real DES in [0, 1], and the masks ``lesion_mask``, ``des_lesion_mask`` and
                ``breast_mask``, 0 and 1, of the same shape; as `vdes.engines.prepare_batch.PrepareBatchWithMasks`
                makes it.

        Raises:
            InputError: the target has no names, or lacks one.

        """
        needed = (DES, *self.masks)
        if not isinstance(target, Mapping) or not set(needed) <= set(target):
            found = ", ".join(target) if isinstance(target, Mapping) else type(target).__name__
            raise InputError(f"target: {found}; expected images by name: {', '.join(needed)}")
        pred, des = pred.float(), target[DES].float()
        if pred.shape != des.shape:
            raise InputError(f"pred: shape {tuple(pred.shape)}; expected that of the DES image, {tuple(des.shape)}")
        return self.loss(pred, des, **{name: target[name].float() for name in self.masks})
