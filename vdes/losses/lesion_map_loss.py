"""The loss of the lesion classifier's maps of malignancy."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits

from vdes.errors import InputError

LESION_FACTOR = 3.0  # weight of cells with a lesion: they are few even in malignant images


class LesionMapLoss(nn.Module):
    """``classification(...) + lesion_weight * cross-entropy of the maps of malignancy``.

    The target of a cell of a map is its share of malignant lesion. All images whose target is known have the same
    weight; a batch without any has the classification loss alone.

    Args:
        classification: loss of logits and scores, such as `vdes.losses.multi_level_loss.MultiLevelLoss`.
        lesion_weight: 0 or more.

    Raises:
        InputError: ``lesion_weight`` is below 0.

    """

    def __init__(self, classification: nn.Module, lesion_weight: float = 1.0) -> None:
        super().__init__()
        if lesion_weight < 0:
            raise InputError(f"lesion_weight: {lesion_weight}; expected 0 or more")
        self.classification = classification
        self.lesion_weight = lesion_weight

    def forward(self, output: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            output: output of `vdes.networks.lesion_classifier.LesionClassifier` with its maps: ``classification``, and
                ``lesion_map`` ``(B, 2, h, w)``, logits, NaN for an absent input.
            target: ``levels``, the target of ``classification``, and ``lesion_map`` ``(B, 2, H, W)`` from 0 to 1, where
                each input shows malignancy. Any NaN in an image means that this is unknown.

        """
        loss: torch.Tensor = self.classification(output["classification"], target["levels"])
        maps = output["lesion_map"].flatten(0, 1)
        share = adaptive_avg_pool2d(target["lesion_map"].flatten(0, 1), (maps.shape[1], maps.shape[2]))
        known = (~maps.isnan().flatten(1).any(dim=1) & ~share.isnan().flatten(1).any(dim=1)).nonzero()[:, 0]
        factor = maps.new_tensor(LESION_FACTOR)
        losses = binary_cross_entropy_with_logits(
            maps[known], share[known].to(maps.dtype), pos_weight=factor, reduction="none"
        )
        # a sum, because the mean of no image is NaN, and all processes need a gradient
        return loss + self.lesion_weight * losses.mean(dim=(1, 2)).sum() / max(1, len(known))
