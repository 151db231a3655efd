"""The generator of CycleGAN."""

from __future__ import annotations

from typing import Literal

import torch
from monai.networks.blocks import Convolution, UpSample
from monai.networks.utils import normal_init
from torch import nn
from torch.nn.functional import pad

from vdes.errors import InputError

STRIDE = 4  # of the residual blocks
MINIMUM = 16


class ResidualGenerator(nn.Module):
    """Residual generator after Johnson et al. (ECCV 2016) as in CycleGAN (Zhu et al., ICCV 2017).

    Input and output: ``(B, C, H, W)`` in [0, 1]; the network works in [-1, 1], as published, and its output is
    float32. H and W may be any size from 16 px: the image is reflected to a multiple of 4 and cropped again.

    A 7 x 7 convolution, two of stride 2, ``blocks`` residual blocks at a quarter of the size, two upsamplings, a 7 x 7
    convolution and tanh; reflection padding, instance normalisation without parameters, weights from N(0, 0.02).
    Deviation: upsampling is by nearest neighbours followed by a convolution (Odena et al., Distill 2016), because
    transposed convolutions leave dotted output; ``upsampling="transposed"`` is the published network.

    The trap: instance normalisation removes the contrast of a uniform image, and its statistics depend on the image
    that it sees. So images are translated whole, never in patches.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        channels: channels at full size; 64 in the paper.
        blocks: residual blocks; 9 in the paper for 256 px and more, 6 for less.
        upsampling: ``"resize"`` or ``"transposed"``.

    Raises:
        InputError: ``upsampling`` is another value; when called, an image is smaller than 16 px.

    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: int = 64,
        blocks: int = 9,
        upsampling: Literal["resize", "transposed"] = "resize",
    ) -> None:
        super().__init__()
        self.minimum, self.stride = MINIMUM, STRIDE
        if upsampling not in ("resize", "transposed"):
            raise InputError(f"upsampling: {upsampling!r}; expected resize or transposed")
        up = _resize_convolution if upsampling == "resize" else _transposed_convolution
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3),
            _convolution(in_channels, channels, kernel_size=7),
            _convolution(channels, 2 * channels, strides=2, padding=1),
            _convolution(2 * channels, 4 * channels, strides=2, padding=1),
            *(_ResidualBlock(4 * channels) for _ in range(blocks)),
            up(4 * channels, 2 * channels),
            up(2 * channels, channels),
            nn.ReflectionPad2d(3),
            Convolution(2, channels, out_channels, kernel_size=7, padding=0, conv_only=True),
        )
        self.apply(normal_init)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the translation of ``image``."""
        rows, columns = image.shape[2:]
        least, stride = self.minimum, self.stride
        if min(rows, columns) < least:
            raise InputError(f"image of {rows} x {columns} px: the generator needs {least} x {least} px or more")
        whole = pad(2 * image - 1, [0, -columns % stride, 0, -rows % stride], mode="reflect")
        # float32: in bfloat16 the image would have steps of 1/256
        return (torch.tanh(self.layers(whole)[..., :rows, :columns].float()) + 1) / 2


class _ResidualBlock(nn.Sequential):
    """Two 3 x 3 convolutions with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.ReflectionPad2d(1),
            _convolution(channels, channels),
            nn.ReflectionPad2d(1),
            _convolution(channels, channels, act=None),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return ``features`` plus the output of the convolutions."""
        changed = features
        for layer in self:  # TorchScript knows no super
            changed = layer(changed)
        return features + changed


def _convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 3,
    strides: int = 1,
    padding: int = 0,
    act: str | None = "relu",
    is_transposed: bool = False,
) -> Convolution:
    """Return a convolution with bias, as published, although the normalisation after it removes the bias."""
    return Convolution(
        2,
        in_channels,
        out_channels,
        strides=strides,
        kernel_size=kernel_size,
        padding=padding,
        norm="instance",
        act=act,
        is_transposed=is_transposed,
    )


def _resize_convolution(in_channels: int, out_channels: int) -> UpSample:
    return UpSample(
        2,
        in_channels,
        in_channels,
        mode="nontrainable",
        pre_conv=None,
        post_conv=nn.Sequential(nn.ReflectionPad2d(1), _convolution(in_channels, out_channels)),
        interp_mode="nearest",
        align_corners=None,
    )


def _transposed_convolution(in_channels: int, out_channels: int) -> Convolution:
    return _convolution(in_channels, out_channels, strides=2, padding=1, is_transposed=True)
