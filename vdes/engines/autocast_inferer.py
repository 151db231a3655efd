"""Forward passes in mixed precision on any device."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import torch
from monai.inferers import SimpleInferer
from monai.utils import convert_to_tensor

from vdes.engines.precision import autocast_dtype
from vdes.errors import InputError

logger = logging.getLogger(__name__)

# what torch says of a convolution that gets another number of channels
CHANNELS = re.compile(r"to have (\d+) channels, but got \d+ channels instead")


class AutocastInferer(SimpleInferer):
    """Run a network in a chosen precision with channels-last memory, and return float32.

    MONAI's engines use autocast on CUDA only. float16 ends at 65504: without gradients, a batch that overflows is
    computed again in float32. With gradients, the gradient scaler skips it.

    Args:
        precision: as in `vdes.engines.precision.autocast_dtype`.
        device: where the network runs.

    Raises:
        InputError: the precision is unknown.

    """

    def __init__(self, precision: str = "auto", device: str | torch.device = "cpu") -> None:
        super().__init__()
        self.dtype = autocast_dtype(precision, device)
        self.overflowed = False

    def __call__(self, inputs: torch.Tensor, network: Any, *args: Any, **kwargs: Any) -> Any:
        """Return ``network(inputs)``, float32, for ``inputs`` ``(B, C, H, W)``; of a dictionary each of its values.

        Raises:
            InputError: the network wants another number of channels, or returns neither a tensor nor a dictionary.
        """
        # metadata would go through every operation of the network: a quarter of its time
        inputs = convert_to_tensor(inputs, track_meta=False).contiguous(memory_format=torch.channels_last)
        outputs = self._outputs(self.dtype, inputs, network, *args, **kwargs)
        if self.dtype != torch.float16 or torch.is_grad_enabled() or _finite(outputs):
            return outputs
        exact = self._outputs(torch.float32, inputs, network, *args, **kwargs)
        if _finite(exact) and not self.overflowed:
            self.overflowed = True
            logger.warning("precision: float16 overflowed; batches where it does are computed again in float32")
        return exact

    def _outputs(self, dtype: torch.dtype, inputs: torch.Tensor, network: Any, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast(inputs.device.type, dtype=dtype, enabled=dtype != torch.float32):
            try:
                outputs = super().__call__(inputs, network, *args, **kwargs)
            except RuntimeError as error:
                wanted = CHANNELS.search(str(error))
                if wanted is None:
                    raise
                raise InputError(
                    f"network: takes images of {wanted[1]} channels; these have shape {tuple(inputs.shape)}, expected "
                    f"a network that takes {inputs.shape[1]}"
                ) from error
        if isinstance(outputs, Mapping):
            return {name: value.float() for name, value in outputs.items()}
        if not isinstance(outputs, torch.Tensor):
            count = f" of {len(outputs)}" if isinstance(outputs, list | tuple) else ""
            raise InputError(
                f"network: returns a {type(outputs).__name__}{count}; expected one tensor, such as the last of several "
                "outputs"
            )
        return outputs.float()


def _finite(outputs: torch.Tensor | Mapping[str, torch.Tensor]) -> bool:
    values = outputs.values() if isinstance(outputs, Mapping) else [outputs]
    return all(bool(value.isfinite().all()) for value in values)
