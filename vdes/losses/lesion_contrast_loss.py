"""The loss of lesions that are shown too weakly, and of contrast where no lesion is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from vdes.errors import InputError
from vdes.transforms.lesion_places import Place, counterpart, lesion_places, matched_places

PLACES_PER_LESION = 3
MAX_LESIONS = 4  # of an image, for which places elsewhere are drawn
EPSILON = 1e-5  # keeps the contrast of an even image finite


class LesionContrastLoss(nn.Module):
    """``lesion_weight * mean max(0, c - v)^2 + elsewhere_weight * mean (v' - c')^2``.

    v is the standardised contrast of a lesion in the virtual DES, (mean inside - mean of the ring) / SD over the
    breast, and c that in the real DES, where the lesion was drawn there, if it was
    (`vdes.metrics.lesion_table`); v' and c' are those at places of the lesions' shapes drawn at random in the same
    breast outside all lesions.

    The trap: squared error and correlation ask for the mean of all images that may be, so where low energy does not
    tell whether a lesion enhances, they ask for a pale one. A reader looks for lesions. So too little contrast is
    penalised, but only up to that of the real DES, and deviation at other places, lest contrast rise everywhere. SD and
    ring make the loss blind to level and gain.

    Args:
        lesion_weight: weight of too little contrast in lesions.
        elsewhere_weight: weight of the deviation elsewhere.

    Raises:
        InputError: a weight is below 0.

    """

    def __init__(self, lesion_weight: float = 0.3, elsewhere_weight: float = 0.3) -> None:
        super().__init__()
        for name, weight in (("lesion_weight", lesion_weight), ("elsewhere_weight", elsewhere_weight)):
            if weight < 0:
                raise InputError(f"{name}: {weight}; expected 0 or more")
        self.lesion_weight = lesion_weight
        self.elsewhere_weight = elsewhere_weight

    def forward(
        self,
        pred: torch.Tensor,
        des: torch.Tensor,
        lesion_mask: torch.Tensor,
        des_lesion_mask: torch.Tensor,
        breast_mask: torch.Tensor,
    ) -> torch.Tensor:
        """Return the loss, a scalar; 0 for a batch without a lesion of enough pixels.

        The places elsewhere are drawn by torch's random state.

        Args:
            pred: virtual DES ``(B, 1, H, W)``.
            des: the real DES in [0, 1], of the same shape.
            lesion_mask: drawn on low energy, 0 and 1, of the same shape.
            des_lesion_mask: drawn on the real DES, the same.
            breast_mask: the same.

        Raises:
            InputError: shapes differ.

        """
        masks = {"lesion_mask": lesion_mask, "des_lesion_mask": des_lesion_mask, "breast_mask": breast_mask}
        for name, image in {"des": des, **masks}.items():
            if image.shape != pred.shape:
                raise InputError(f"{name}: shape {tuple(image.shape)}; expected that of pred, {tuple(pred.shape)}")
        pred, des = pred.float()[:, 0], des.float()[:, 0]
        loss = 0.0 * pred.sum()  # all processes need a gradient
        if not (self.lesion_weight or self.elsewhere_weight):
            return loss
        spreads = [_spread(image, breast_mask[:, 0]) for image in (pred, des)]
        planes = [mask[:, 0].detach().cpu().numpy() > 0.5 for mask in masks.values()]
        lesions: list[torch.Tensor] = []
        elsewhere: list[torch.Tensor] = []
        for case, (drawn, on_des, breast) in enumerate(zip(*planes, strict=True)):
            places = lesion_places(drawn, breast)
            if not places:
                continue
            on_real = lesion_places(on_des, breast)
            images, spread = (pred[case], des[case]), [values[case] for values in spreads]
            lesions.append(_contrasts(images, (places, [counterpart(place, on_real) for place in places]), spread))
            others = _elsewhere(places, breast, drawn | on_des) if self.elsewhere_weight else []
            if others:
                elsewhere.append(_contrasts(images, (others, others), spread))
        if lesions:
            virtual, real = torch.cat(lesions, dim=1)
            loss = loss + self.lesion_weight * (real - virtual).clamp(min=0).square().mean()
        if elsewhere:
            virtual, real = torch.cat(elsewhere, dim=1)
            loss = loss + self.elsewhere_weight * (virtual - real).square().mean()
        return loss


def _elsewhere(places: Sequence[Place], breast: np.ndarray, lesions: np.ndarray) -> list[Place]:
    generator = np.random.default_rng(int(torch.randint(2**31, ())))
    return [
        other
        for place in places[:MAX_LESIONS]
        for other in matched_places(place, breast, lesions, PLACES_PER_LESION, generator)
    ]


def _contrasts(
    images: Sequence[torch.Tensor], places: Sequence[Sequence[Place]], spreads: Sequence[torch.Tensor]
) -> torch.Tensor:
    """Return the standardised contrasts ``(2, N)`` of both images at N places each."""
    rows = []
    for image, own, spread in zip(images, places, spreads, strict=True):
        shape = (int(image.shape[0]), int(image.shape[1]))
        weights = torch.from_numpy(np.stack([place.weights(shape) for place in own])).to(image.device)
        rows.append((weights * image).sum(dim=(1, 2)) / spread)
    return torch.stack(rows)


def _spread(image: torch.Tensor, breast: torch.Tensor) -> torch.Tensor:
    """Return the SD ``(B,)`` of images ``(B, H, W)`` over the breast."""
    count = breast.sum(dim=(1, 2)).clamp(min=1)
    mean = (image * breast).sum(dim=(1, 2)) / count
    deviation = (image - mean[:, None, None]) * breast
    return (deviation.square().sum(dim=(1, 2)) / count + EPSILON).sqrt()
