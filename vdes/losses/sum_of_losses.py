"""The sum of losses of images, each with the masks that it asks for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from vdes.engines.prepare_batch import MASKS
from vdes.losses.masks_asked_for import masks_asked_for


class SumOfLosses(nn.Module):
    """Sum of losses of a prediction and the real DES; their weights are their own.

    Args:
        terms: losses for `vdes.losses.named_target.NamedTargetLoss`.

    Raises:
        InputError: a term does not take a prediction and a target.

    Example:
        >>> loss = SumOfLosses([nn.L1Loss(), nn.MSELoss()])
        >>> float(loss(torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), 2.0)))
        6.0

    """

    def __init__(self, terms: Sequence[nn.Module]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self.masks = [masks_asked_for(term) for term in terms]

    def forward(
        self,
        pred: torch.Tensor,
        des: torch.Tensor,
        lesion_mask: torch.Tensor | None = None,
        des_lesion_mask: torch.Tensor | None = None,
        breast_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the sum, a scalar.

        Args:
            pred: virtual DES ``(B, 1, H, W)``.
            des: the real DES in [0, 1], of the same shape.
            lesion_mask: drawn on low energy, 0 and 1, of the same shape.
            des_lesion_mask: drawn on the real DES, the same.
            breast_mask: the same.

        """
        given = dict(zip(MASKS, (lesion_mask, des_lesion_mask, breast_mask), strict=True))
        losses = [
            term(pred, des, **{name: given[name] for name in masks})
            for term, masks in zip(self.terms, self.masks, strict=True)
        ]
        return torch.stack(losses).sum()
