"""The discriminator of CycleGAN."""

from __future__ import annotations

import torch
from monai.networks.nets import PatchDiscriminator as MonaiPatchDiscriminator

from vdes.errors import InputError

MINIMUM = 24  # a smaller image leaves nothing for the last convolution


def check_grid(height: int, width: int) -> None:
    """Refuse a working grid that is too small for `PatchDiscriminator`.

    Raises:
        InputError: the height or the width is below 24 px.
    """
    if min(height, width) < MINIMUM:
        raise InputError(
            f"height: images of {height} x {width} px are too small for the discriminator; "
            f"expected {MINIMUM} x {MINIMUM} px or more"
        )


class PatchDiscriminator(MonaiPatchDiscriminator):
    """MONAI's `PatchDiscriminator` as the PatchGAN of 70 x 70 px that CycleGAN uses (Zhu et al., ICCV 2017).

    Input: ``(B, C, H, W)`` in [0, 1], H and W 24 px or more. Output: ``(B, 1, h, w)``, about an eighth of the size: how
    real the 70 x 70 px around each location look. The values are unbounded; least-squares training makes them 1 for
    real images and 0 for generated ones.

    Convolutions of 4 x 4 with bias, instance normalisation, LeakyReLU of 0.2, weights from N(0, 0.02); images are
    scaled to [-1, 1], as published.

    Args:
        in_channels: channels of the images.
        channels: channels after the first convolution; 64 in the paper.

    Raises:
        InputError: when called, an image is smaller than 24 px.

    """

    def __init__(self, in_channels: int = 1, channels: int = 64) -> None:
        super().__init__(spatial_dims=2, channels=channels, in_channels=in_channels, norm="instance", bias=True)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the scores of ``image``."""
        check_grid(*image.shape[2:])
        scores: torch.Tensor = super().forward(2 * image - 1)[-1]
        return scores
