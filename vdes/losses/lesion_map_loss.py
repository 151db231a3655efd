"""The loss of the lesion classifier where lesions are drawn."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits

from vdes.errors import InputError

LESION_FACTOR = 3.0  # of the loss where there is a lesion: even of malignant images it is a small part


class LesionMapLoss(nn.Module):
    """``classification(...) + lesion_weight * cross-entropy of the maps of malignancy``.

    The target of a cell of a map is the share of it that is malignant lesion. Each image of which that is known has the
    same say; with none in a batch, the classification is all.

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
            output: of `vdes.networks.lesion_classifier.LesionClassifier` with its maps: ``classification``, and
                ``lesion_map`` ``(B, 2, h, w)``, logits, NaN where an input is absent.
            target: ``levels``, that of ``classification``, and ``lesion_map`` ``(B, 2, H, W)`` from 0 to 1, where each
                input shows malignancy; any NaN in an image: not known there.

        """
        loss: torch.Tensor = self.classification(output["classification"], target["levels"])
        maps = output["lesion_map"].flatten(0, 1)
        share = adaptive_avg_pool2d(target["lesion_map"].flatten(0, 1), (maps.shape[1], maps.shape[2]))
        known = (~maps.isnan().flatten(1).any(dim=1) & ~share.isnan().flatten(1).any(dim=1)).nonzero()[:, 0]
        factor = maps.new_tensor(LESION_FACTOR)
        losses = binary_cross_entropy_with_logits(
            maps[known], share[known].to(maps.dtype), pos_weight=factor, reduction="none"
        )
        # a sum, for the mean of no image is NaN, while its gradient has to be there for processes to agree
        return loss + self.lesion_weight * losses.mean(dim=(1, 2)).sum() / max(1, len(known))
