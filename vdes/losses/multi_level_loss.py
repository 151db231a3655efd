"""The loss of the lesion classifier, over images, breasts and examinations."""

from __future__ import annotations

import torch
from monai.losses import FocalLoss
from torch import nn

from vdes.data.vocabulary import LEVELS, PATHOLOGIES
from vdes.errors import InputError
from vdes.networks.view_pooling import pooled_logits

MALIGNANT = PATHOLOGIES.index("malignant")


class MultiLevelLoss(nn.Module):
    """Weighted sum of the cross-entropy of images, breasts and examinations.

    A breast is malignant if one of its images is, an examination if one of its breasts is; with three classes each has
    the worst class of its parts. Images and breasts are first averaged within their examination, so every examination
    has the same weight, regardless of its number of images.

    Imbalance: ``malignant_weight`` multiplies the loss of malignant cases; ``focal_gamma`` above 0 turns the
    cross-entropy into the focal loss (Lin et al., ICCV 2017; MONAI's `FocalLoss`). Both bias the probabilities, so
    calibrate them afterwards.

    Args:
        image_weight: weight of the images, 0 or more.
        breast_weight: weight of the breasts, 0 or more.
        examination_weight: weight of the examinations, 0 or more; one of the three is above 0.
        malignant_weight: factor for malignant cases; the number of other cases divided by that of malignant cases
            balances them.
        focal_gamma: 0 for the cross-entropy, or 1 and more; between 0 and 1 the focal loss of three classes has no
            gradient for certain predictions.

    Raises:
        InputError: a weight or ``focal_gamma`` is out of range.

    """

    def __init__(
        self,
        image_weight: float = 1.0,
        breast_weight: float = 0.5,
        examination_weight: float = 0.5,
        malignant_weight: float = 1.0,
        focal_gamma: float = 0.0,
    ) -> None:
        super().__init__()
        self.weights = dict(zip(LEVELS, (image_weight, breast_weight, examination_weight), strict=True))
        if min(self.weights.values()) < 0 or not any(self.weights.values()):
            raise InputError(f"loss: expected weights of 0 or more, and one above 0; got {self.weights}")
        if focal_gamma != 0 and not focal_gamma >= 1:
            raise InputError(f"focal_gamma: {focal_gamma}; expected 0, or 1 and more")
        self.malignant_weight = malignant_weight
        self.binary = FocalLoss(gamma=focal_gamma, reduction="none")
        self.multiclass = FocalLoss(gamma=focal_gamma, reduction="none", use_softmax=True, to_onehot_y=True)

    def forward(self, pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            pred: ``(B, C + 2)``, the output of `vdes.networks.lesion_classifier.LesionClassifier`.
            target: ``(B, 3)`` integers: the pathology of each image (0 normal, 1 benign, 2 malignant), and its breast
                and examination, numbered from 0 in the batch.

        """
        pathology, breast, examination = target.long().unbind(dim=1)
        groups = {
            "image": torch.arange(len(pred), device=pred.device),
            "breast": breast,
            "examination": examination,
        }
        logits = pooled_logits(pred.float(), breast, examination)
        total = pred.new_zeros(())
        for level, weight in self.weights.items():
            if weight:
                worst = _reduced(pathology, groups[level], "amax")
                of_examination = _reduced(examination, groups[level], "amax")
                losses = self._losses(logits[level], worst)
                total = total + weight * _reduced(losses, of_examination, "mean").mean()
        return total

    def _losses(self, logits: torch.Tensor, pathology: torch.Tensor) -> torch.Tensor:
        """Return the loss of each of the logits ``(N, C)``."""
        malignant = pathology == MALIGNANT
        if logits.shape[1] == 1:
            losses = self.binary(logits, malignant[:, None].to(logits.dtype))[:, 0]
        else:
            losses = self.multiclass(logits, pathology[:, None]).sum(dim=1)
        weighted: torch.Tensor = torch.where(malignant, self.malignant_weight * losses, losses)
        return weighted


def _reduced(values: torch.Tensor, group: torch.Tensor, reduce: str) -> torch.Tensor:
    """Return the largest, or the mean, of ``values`` ``(N,)`` in each group."""
    empty = values.new_zeros(int(group.max()) + 1)
    return empty.scatter_reduce(0, group, values, reduce, include_self=False)
