"""The U-Net that makes a virtual DES image from a low-energy image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from monai.networks.nets import FlexibleUNet
from torch.nn.functional import pad

from vdes.networks.efficientnet_lite0 import EfficientNetLite0Encoder, load_encoder_weights


class VirtualDesUNet(FlexibleUNet):
    """MONAI's `FlexibleUNet` with an EfficientNet-Lite0 encoder, one channel in and one out.

    Input: low-energy image ``(B, 1, H, W)`` in [0, 1]. Output: virtual DES image ``(B, 1, H, W)``, of the scale of the
    training target ([0, 1] by the datalist's range), not clipped. H and W may be any size from 32 px; multiples of 32
    avoid padding. Upsampling is by interpolation followed by convolution: transposed convolutions leave dotted output.

    Args:
        encoder_weights: ``"imagenet"``, ``"none"`` for random weights, or a file (see `load_encoder_weights`).
        decoder_channels: channels of the five decoder stages, from 1/16 to full resolution.

    Raises:
        InputError: the encoder weights are missing or do not fit.

    """

    def __init__(
        self, encoder_weights: str | Path = "none", decoder_channels: Sequence[int] = (128, 64, 32, 16, 8)
    ) -> None:
        super().__init__(
            in_channels=1,
            out_channels=1,
            backbone=EfficientNetLite0Encoder.get_encoder_names()[0],
            decoder_channels=tuple(decoder_channels),
            upsample="nontrainable",
            interp_mode="bilinear",
        )
        if str(encoder_weights) != "none":
            load_encoder_weights(self.encoder, encoder_weights)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the virtual DES image of ``inputs`` ``(B, 1, H, W)`` in [0, 1]."""
        rows, columns = inputs.shape[2:]
        # the first stage halves the size; an odd row or column would be lost
        even = pad(inputs, [0, columns % 2, 0, rows % 2])
        # as in FlexibleUNet, whose forward TorchScript cannot reach from here
        decoded = self.decoder(self.encoder(even), self.skip_connect)
        return self.segmentation_head(decoded)[..., :rows, :columns]
