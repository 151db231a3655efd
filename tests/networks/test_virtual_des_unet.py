from __future__ import annotations

import io

import pytest
import torch

from vdes.engines.autocast_inferer import AutocastInferer
from vdes.errors import InputError
from vdes.networks.efficientnet_lite0 import EfficientNetLite0Encoder
from vdes.networks.virtual_des_unet import VirtualDesUNet


@pytest.fixture(scope="module")
def network() -> VirtualDesUNet:
    torch.manual_seed(0)
    return VirtualDesUNet().eval()


def rand(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def test_it_is_small_and_has_no_transposed_convolution(network):
    parameters = sum(p.numel() for p in network.parameters())
    encoder = sum(p.numel() for p in network.encoder.parameters())
    assert encoder < parameters == 3_613_113
    stream = io.BytesIO()
    torch.save(network.state_dict(), stream)
    assert len(stream.getvalue()) < 25e6
    assert not [m for m in network.modules() if isinstance(m, torch.nn.modules.conv._ConvTransposeNd)]
    assert isinstance(network.encoder, EfficientNetLite0Encoder)


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (65, 97), (33, 50), (100, 71), (130, 34)])
def test_the_output_has_the_size_of_the_input(network, size):
    with torch.no_grad():
        assert network(rand(2, 1, *size)).shape == (2, 1, *size)


def test_an_odd_row_or_column_is_worked_on_as_if_air_followed(network):
    image = rand(1, 1, 65, 97)
    with torch.no_grad():
        padded = network(torch.nn.functional.pad(image, (0, 1, 0, 1)))
        torch.testing.assert_close(network(image), padded[..., :65, :97])


def test_every_input_pixel_counts_and_every_parameter_learns(network):
    image = rand(1, 1, 64, 64).requires_grad_()
    network(image).square().mean().backward()
    assert (image.grad != 0).float().mean() > 0.99
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []
    network.zero_grad()


def test_bfloat16_with_channels_last_is_close_to_single_precision(network):
    image = rand(2, 1, 128, 96)
    with torch.no_grad():
        exact = network(image)
        quick = AutocastInferer()(image, network.to(memory_format=torch.channels_last))
    network.to(memory_format=torch.contiguous_format)
    # bfloat16 has 8 bits of precision
    assert float((quick - exact).norm() / exact.norm()) < 0.02
    assert not torch.equal(quick, exact)


def test_the_decoder_has_the_channels_that_were_asked_for():
    small, large = (VirtualDesUNet(decoder_channels=[c, 32, 16, 8, 8]) for c in (32, 64))
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in large.parameters())
    assert small.eval()(rand(1, 1, 64, 32)).shape == (1, 1, 64, 32)


def test_encoder_weights_are_random_or_those_of_a_file(tmp_path):
    source = EfficientNetLite0Encoder()
    torch.save(source.state_dict(), tmp_path / "encoder.pt")
    network = VirtualDesUNet(encoder_weights=tmp_path / "encoder.pt")
    loaded, random = (net.encoder.state_dict() for net in (network, VirtualDesUNet("none")))
    assert all(torch.equal(loaded[name], value) for name, value in source.state_dict().items())
    assert not torch.equal(random["_conv_stem.weight"], loaded["_conv_stem.weight"])
    with pytest.raises(InputError, match="encoder_weights: no file imagnet; expected 'imagenet', 'none' or a file"):
        VirtualDesUNet("imagnet")
