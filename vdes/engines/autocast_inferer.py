"""Forward passes of mixed precision on any device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.inferers import SimpleInferer


class AutocastInferer(SimpleInferer):
    """Run a network in mixed precision with channels-last memory, and return float32.

    MONAI's engines autocast on CUDA alone. bfloat16 has the range of float32, so no gradient scaler is needed. A CPU
    with AVX-512 or AMX bfloat16 instructions gains; one without them is slower, so it is a knob.

    Args:
        enabled: False gives float32 throughout.
        dtype: another type, such as float16 for a GPU without bfloat16.

    """

    def __init__(self, enabled: bool = True, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.enabled = enabled
        self.dtype = dtype

    def __call__(self, inputs: torch.Tensor, network: Any, *args: Any, **kwargs: Any) -> Any:
        """Return ``network(inputs)``, float32, for ``inputs`` ``(B, C, H, W)``; of a dictionary each of its values."""
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast(inputs.device.type, dtype=self.dtype, enabled=self.enabled):
            outputs = super().__call__(inputs, network, *args, **kwargs)
        if isinstance(outputs, Mapping):
            return {name: value.float() for name, value in outputs.items()}
        return outputs.float()
