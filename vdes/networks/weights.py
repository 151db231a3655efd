"""Load weights into a network."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from vdes.errors import InputError


def load_weights(network: nn.Module, file: str | Path | None) -> nn.Module:
    """Load a state dict, of single or half precision, into ``network`` and return it in single precision.

    Without a file the network is returned unchanged.

    Raises:
        InputError: the file is missing, is not a state dict for ``torch.load(weights_only=True)``, does not fit, or
            has values that are not finite.

    """
    if file is None:
        return network
    if not Path(file).is_file():
        raise InputError(f"weights: no file {file}; expected one such as models/model.pt")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"weights: {file} cannot be read as weights: {reason}") from error
    expected = network.state_dict()
    if not isinstance(state, dict) or state.keys() != expected.keys():
        found = len(expected.keys() & state.keys()) if isinstance(state, dict) else 0
        raise InputError(
            f"weights: {file} holds {found} of the {len(expected)} entries of {type(network).__name__}; "
            "expected the weights of this network"
        )
    for name, value in expected.items():
        if state[name].shape != value.shape:
            raise InputError(
                f"weights: {file}: {name} has shape {tuple(state[name].shape)}, expected {tuple(value.shape)}"
            )
        if not bool(state[name].isfinite().all()):
            raise InputError(
                f"weights: {file}: {name} has values that are not finite; expected weights of a training that converged"
            )
    network.load_state_dict(state)
    return network


def half_precision(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a state dict with its convolution weights in float16, half the size on disk.

    Vectors keep their precision: the running variances of batch normalisation exceed the range of float16.
    """
    return {
        name: value.half() if value.is_floating_point() and value.ndim > 1 else value for name, value in state.items()
    }
