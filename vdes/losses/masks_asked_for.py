"""Which masks a loss of images asks for, by the names of its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import nn

from vdes.engines.prepare_batch import MASKS
from vdes.errors import InputError


def masks_asked_for(loss: Callable[..., torch.Tensor]) -> list[str]:
    """Return which of `MASKS` are arguments of a loss, or of its ``forward``.

    Raises:
        InputError: it does not take a prediction and a target.
    """
    try:
        signature = inspect.signature(loss.forward if isinstance(loss, nn.Module) else loss)
        masks = [name for name in MASKS if name in signature.parameters]
        signature.bind("pred", "des", **dict.fromkeys(masks))
    except (TypeError, ValueError) as error:
        raise InputError(f"loss: {loss!r}: {error}; expected a loss of a prediction and a target") from error
    return masks
