"""A generator of virtual DES and the classifier of its images, as one network."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn.functional import interpolate

from vdes.errors import InputError
from vdes.networks.lesion_classifier import LesionClassifier


class JointNetwork(nn.Module):
    """Make virtual DES images and classify them, so that the classifier's loss reaches the generator.

    The classifier sees the image as `vdes.transforms.classifier_preprocessing` would prepare the written file: in
    [0, 1], 0 outside the breast, cropped to the breast, stretched to a square. Its low-energy input is absent or, with
    ``low_energy``, the generator's own input with the same preparation.

    Args:
        generator: from low energy ``(B, 1, H, W)`` to virtual DES ``(B, 1, H, W)``.
        classifier: the classifier; its weights are trained too.
        low_energy: show the classifier the low-energy image as well as the virtual DES image.
        generator_learns_from: ``"both"`` losses; ``"fidelity"``, which stops the classifier's loss at the virtual DES
            images; or ``"nothing"``, which trains the classifier alone and keeps the generator in evaluation mode,
            including its batch statistics.

    Raises:
        InputError: ``generator_learns_from`` is another value.

    """

    def __init__(
        self,
        generator: nn.Module,
        classifier: LesionClassifier,
        low_energy: bool = False,
        generator_learns_from: Literal["both", "fidelity", "nothing"] = "both",
    ) -> None:
        super().__init__()
        if generator_learns_from not in ("both", "fidelity", "nothing"):
            raise InputError(f"generator_learns_from: {generator_learns_from!r}; expected both or fidelity or nothing")
        self.generator = generator.requires_grad_(generator_learns_from != "nothing")
        self.classifier = classifier
        self.low_energy = low_energy
        self.generator_learns_from = generator_learns_from

    def train(self, mode: bool = True) -> JointNetwork:
        """Set training mode, except for a frozen generator."""
        super().train(mode)
        if self.generator_learns_from == "nothing":
            self.generator.eval()
        return self

    def forward(self, image: torch.Tensor, breast_mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return ``pred``, virtual DES ``(B, 1, H, W)``, and ``classification``, the classifier's ``(B, C + 2)``.

        Args:
            image: low energy ``(B, 1, H, W)`` in [0, 1].
            breast_mask: ``(B, 1, H, W)`` of 0 and 1; each breast has at least one pixel.

        """
        virtual_des = self.generator(image)
        size = int(self.classifier.size)
        judged = virtual_des if self.generator_learns_from == "both" else virtual_des.detach()
        des = breast_square(judged.float().clamp(0, 1), breast_mask, size)
        low_energy = breast_square(image, breast_mask, size) if self.low_energy else torch.full_like(des, torch.nan)
        return {"pred": virtual_des, "classification": self.classifier(torch.cat([low_energy, des], dim=1))}


def breast_square(image: torch.Tensor, breast_mask: torch.Tensor, size: int) -> torch.Tensor:
    """Return the breasts of images ``(B, 1, H, W)``, cropped and stretched to ``(B, 1, size, size)``, 0 outside."""
    squares = []
    for one, mask in zip(image, breast_mask > 0.5, strict=True):
        rows, columns = (torch.nonzero(mask[0].any(dim=axis))[[0, -1], 0].tolist() for axis in (1, 0))
        crop = (one * mask)[None, :, rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
        squares.append(interpolate(crop, (size, size), mode="bilinear", antialias=True))
    return torch.cat(squares)
