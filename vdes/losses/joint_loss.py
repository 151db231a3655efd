"""The loss of a generator and a classifier that are trained together."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from vdes.errors import InputError
from vdes.losses.named_target import NamedTargetLoss


class JointLoss(nn.Module):
    """``fidelity(pred, target) + classification_weight * classification(...)``.

    Args:
        fidelity: loss of the images, for `vdes.losses.named_target.NamedTargetLoss`.
        classification: loss of the classifier, such as `vdes.losses.multi_level_loss.MultiLevelLoss`.
        classification_weight: 0 or more; with 0 the generator learns nothing from the classifier.

    Raises:
        InputError: ``classification_weight`` is below 0, or as `NamedTargetLoss`.

    """

    def __init__(self, fidelity: nn.Module, classification: nn.Module, classification_weight: float) -> None:
        super().__init__()
        if classification_weight < 0:
            raise InputError(f"classification_weight: {classification_weight}; expected 0 or more")
        self.fidelity = NamedTargetLoss(fidelity)
        self.classification = classification
        self.classification_weight = classification_weight

    def forward(self, output: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            output: output of `vdes.networks.joint_network.JointNetwork`: ``pred`` and ``classification``.
            target: the target of `NamedTargetLoss`, and ``levels``, the target of the classification.

        """
        fidelity: torch.Tensor = self.fidelity(output["pred"], target)
        return fidelity + self.classification_weight * self.classification(output["classification"], target["levels"])
