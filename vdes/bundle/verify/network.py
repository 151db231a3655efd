"""The network that a bundle's inference builds, and inputs that it takes."""

from __future__ import annotations

from collections.abc import Iterator

import monai.bundle
import torch
from monai.bundle import ConfigParser
from monai.bundle.scripts import _get_fake_spatial_shape
from torch import nn

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.line import Line
from vdes.bundle.verify.metadata import FILE
from vdes.networks.weights import load_weights

MULTIPLES = (1, 3)  # n of a spatial shape such as 32*n


def check_in_out(bundle: Bundle) -> Iterator[Line]:
    """Tell where the network does not take or give what the metadata say, by MONAI's own check and by the shapes."""
    config = _config(bundle)
    for n in MULTIPLES if is_dynamic(bundle) else MULTIPLES[:1]:
        try:
            monai.bundle.verify_net_in_out(
                "network_def", str(bundle.root / FILE), str(bundle.root / config), device="cpu", p=1, n=n, any=32
            )
        except Exception as error:
            yield Line(config, f"network_def: verify_net_in_out, n = {n}: {first_line(error)}")
            return
        image = example(bundle, n, 2)
        with torch.no_grad():
            output = build(bundle)(image)
        pred = bundle.metadata["network_data_format"]["outputs"]["pred"]
        wanted = (2, pred["num_channels"], *_get_fake_spatial_shape(pred["spatial_shape"], 1, n, 32))
        if tuple(output.shape) != wanted:
            yield Line(config, f"network_def: gives {tuple(output.shape)}; the metadata's pred says {wanted}")
        if not bool(output.isfinite().all()):
            yield Line(config, f"network_def: gives values that are not finite for an image {tuple(image.shape)}")


def check_fit(bundle: Bundle) -> Iterator[Line]:
    """Tell which weights do not fit the network."""
    for name in bundle.stored_weights:
        try:
            build(bundle, name)
        except Exception as error:
            yield Line(name, f"does not fit network_def of {_config(bundle)}: {first_line(error)}")


def build(bundle: Bundle, weights: str | None = None) -> nn.Module:
    """Return ``network_def`` of the inference config, in evaluation mode, with random weights or those of a file."""
    parser = ConfigParser()
    parser.read_config(str(bundle.root / _config(bundle)))
    parser.read_meta(str(bundle.root / FILE))
    parser["bundle_root"] = str(bundle.root)
    torch.manual_seed(0)
    network: nn.Module = parser.get_parsed_content("network_def")
    return load_weights(network, bundle.root / weights if weights else None).eval()


def is_dynamic(bundle: Bundle) -> bool:
    """Tell whether the metadata leave the size of the image open."""
    shape = bundle.metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]
    return any(isinstance(size, str) for size in shape)


def example(bundle: Bundle, n: int, batch: int, channels: tuple[int, ...] | None = None) -> torch.Tensor:
    """Return a random image that the metadata allow; of its channels those not in ``channels`` are NaN, absent."""
    image = bundle.metadata["network_data_format"]["inputs"]["image"]
    size = _get_fake_spatial_shape(image["spatial_shape"], 1, n, 32)
    generator = torch.Generator().manual_seed(n)
    drawn = torch.rand(batch, image["num_channels"], *size, generator=generator)
    for channel in range(image["num_channels"]):
        if channels is not None and channel not in channels:
            drawn[:, channel] = torch.nan
    return drawn


def accepted_channels(bundle: Bundle, network: nn.Module) -> tuple[int, ...]:
    """Return the channels that the network takes: all, or where its weights refuse that, the first one it takes alone.

    Raises:
        Exception: that of all channels, if none is taken alone either.
    """
    count = bundle.metadata["network_data_format"]["inputs"]["image"]["num_channels"]
    refusal: Exception | None = None
    for channels in (tuple(range(count)), *((channel,) for channel in range(count))):
        try:
            with torch.no_grad():
                network(example(bundle, MULTIPLES[-1], 1, channels))
        except Exception as error:
            refusal = refusal or error
        else:
            return channels
    raise refusal or ValueError("no channels")


def first_line(error: BaseException) -> str:
    """Return what an exception says, in one line, without what MONAI wraps around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


def _config(bundle: Bundle) -> str:
    return bundle.config("inference") or bundle.config("train") or "configs/inference.yaml"
