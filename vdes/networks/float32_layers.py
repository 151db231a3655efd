"""Layers that stay in float32 under autocast, and that TorchScript can read."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import linear


class Float32Linear(nn.Linear):
    """A linear layer in float32: in bfloat16, logits would have many ties."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the layer's output, float32, for ``inputs`` ``(B, in_features)``."""
        if torch.jit.is_scripting():  # which knows no autocast of this kind
            return linear(inputs.float(), self.weight, self.bias)
        with torch.autocast(inputs.device.type, enabled=False):
            return linear(inputs.float(), self.weight, self.bias)


class Float32Conv2d(nn.Conv2d):
    """A convolution in float32."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the layer's output, float32, for ``inputs`` ``(B, in_channels, H, W)``."""
        if torch.jit.is_scripting():
            return self._conv_forward(inputs.float(), self.weight, self.bias)
        with torch.autocast(inputs.device.type, enabled=False):
            return self._conv_forward(inputs.float(), self.weight, self.bias)
