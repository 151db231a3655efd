"""The loss of a generator and a classifier that are trained together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn


class JointLoss(nn.Module):
    """``fidelity(pred, target) + classification_weight * classification(...)``.

    Args:
        fidelity: loss of the images, such as `vdes.losses.virtual_des_loss.VirtualDesLoss`.
        classification: loss of the classifier, such as `vdes.losses.multi_level_loss.MultiLevelLoss`.
        classification_weight: 0 or more; 0 leaves the generator without a word from the classifier.

    """

    def __init__(self, fidelity: nn.Module, classification: nn.Module, classification_weight: float) -> None:
        super().__init__()
        if classification_weight < 0:
            raise ValueError(f"classification_weight: expected 0 or more, got {classification_weight}")
        self.fidelity = fidelity
        self.classification = classification
        self.classification_weight = classification_weight

    def forward(self, output: Mapping[str, torch.Tensor], target: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the loss, a scalar, of a `JointNetwork`'s output and the targets of both losses."""
        fidelity: torch.Tensor = self.fidelity(output["pred"], target[0])
        return fidelity + self.classification_weight * self.classification(output["classification"], target[1])
