"""The networks as TorchScript reads their code: what `monai.bundle ckpt_export` makes by default."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import torch
from torch import nn

from vdes.networks.float32_layers import Float32Conv2d, Float32Linear
from vdes.networks.residual_generator import ResidualGenerator
from vdes.networks.virtual_des_unet import VirtualDesUNet

GENERATORS: dict[str, Callable[[], nn.Module]] = {
    "U-Net": VirtualDesUNet,
    "CycleGAN": lambda: ResidualGenerator(channels=8, blocks=2),
    "CycleGAN, transposed": lambda: ResidualGenerator(channels=8, blocks=2, upsampling="transposed"),
}


def scripted(network: nn.Module) -> nn.Module:
    """Script, write and read again."""
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(network), stream)
    stream.seek(0)
    read: nn.Module = torch.jit.load(stream)
    return read


@pytest.mark.parametrize("make", GENERATORS.values(), ids=GENERATORS)
def test_a_generator_gives_the_same_images_for_all_batches_and_sizes(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    network = make().eval()
    other = scripted(network)
    for shape in ((1, 64, 48), (2, 97, 65), (3, 128, 128)):
        image = torch.rand(shape[0], 1, *shape[1:])
        with torch.no_grad():
            torch.testing.assert_close(other(image), network(image), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "settings", [{}, {"pooling": "max"}, {"pooling": "mean", "classes": 3}], ids=["attention", "max", "mean"]
)
@pytest.mark.parametrize("size", [32, 64, 96])
def test_the_classifier_gives_the_same_for_all_batches_and_inputs(small_classifier, settings, size: int) -> None:
    network = small_classifier(size=size, **settings).eval()
    other = scripted(network)
    for batch in (1, 2, 3):
        image = torch.rand(batch, 2, size, size)
        image[1:2, 0] = torch.nan
        image[2:3, 1] = torch.nan
        with torch.no_grad():
            torch.testing.assert_close(other(image), network(image), rtol=0, atol=1e-5)
            maps, wanted = (which(image, lesion_map=True)["lesion_map"] for which in (other, network))
            torch.testing.assert_close(maps, wanted, rtol=0, atol=1e-5, equal_nan=True)


def test_a_scripted_classifier_refuses_what_the_network_refuses(small_classifier) -> None:
    network = small_classifier(size=64).eval()
    network.seen.copy_(torch.tensor([False, True]))
    other = scripted(network)
    for image, reason in (
        (torch.rand(1, 2, 32, 64), "at the working size of the weights"),
        (torch.full((1, 2, 64, 64), torch.nan), "both inputs are absent"),
        (torch.rand(1, 2, 64, 64), "low_energy: the weights were trained without"),
    ):
        for which in (network, other):
            with pytest.raises(Exception, match=reason):
                which(image)


def test_layers_stay_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    linear, conv = Float32Linear(8, 4), Float32Conv2d(2, 2, 3)
    plain_linear, plain_conv = nn.Linear(8, 4), nn.Conv2d(2, 2, 3)
    plain_linear.load_state_dict(linear.state_dict())
    plain_conv.load_state_dict(conv.state_dict())
    for layer, plain, values in ((linear, plain_linear, torch.rand(2, 8)), (conv, plain_conv, torch.rand(2, 2, 8, 8))):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = layer(values.bfloat16())
            assert plain(values).dtype == torch.bfloat16
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, plain(values.bfloat16().float()), rtol=0, atol=0)
