from __future__ import annotations

import pytest
import torch

from vdes.errors import InputError
from vdes.networks.residual_generator import ResidualGenerator
from vdes.networks.weights import half_precision, load_weights


def parameters(network: torch.nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_the_papers_configuration_has_the_papers_parameters(upsampling):
    """11.38 M; a resize convolution has as many weights as the transposed one."""
    assert parameters(ResidualGenerator(3, 3, channels=64, blocks=9, upsampling=upsampling)) == 11_378_179
    assert parameters(ResidualGenerator(3, 3, channels=64, blocks=6, upsampling=upsampling)) == 7_837_699


def test_the_shipped_width_fits_a_bundle(tmp_path):
    network = ResidualGenerator(channels=32)
    torch.save(half_precision(network.state_dict()), tmp_path / "model.pt")
    assert parameters(network) == 2_844_289
    assert (tmp_path / "model.pt").stat().st_size < 7e6


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("size", [(16, 16), (17, 30), (33, 19), (64, 48)])
def test_the_size_is_kept_and_the_values_are_those_of_an_image(size, upsampling):
    torch.manual_seed(0)
    network = ResidualGenerator(channels=4, blocks=1, upsampling=upsampling)
    for value in network.parameters():
        value.data *= 30  # so that tanh saturates
    image = torch.rand(2, 1, *size)
    made = network(image)
    assert made.shape == image.shape and made.dtype == torch.float32
    assert 0 <= made.min() < 0.05 and 0.95 < made.max() <= 1


def test_padding_changes_nothing_of_what_is_there():
    """Away from the border a padded image is translated as by the layers themselves."""
    torch.manual_seed(0)
    network = ResidualGenerator(channels=4, blocks=0)
    image = torch.rand(1, 1, 30, 46)
    padded = torch.nn.functional.pad(image, (0, 2, 0, 2), mode="reflect")
    torch.testing.assert_close(network(image), network(padded)[..., :30, :46])


def test_each_image_is_treated_by_itself():
    torch.manual_seed(0)
    network = ResidualGenerator(channels=4, blocks=2)
    images = torch.rand(3, 1, 32, 24) * torch.tensor([0.1, 0.5, 1.0])[:, None, None, None]
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone, atol=1e-6, rtol=0)


def test_weights_are_drawn_as_published():
    torch.manual_seed(0)
    network = ResidualGenerator(channels=32, blocks=3)
    weights = torch.cat([value.flatten() for value in network.parameters() if value.ndim > 1])
    assert float(weights.mean()) == pytest.approx(0, abs=2e-4)
    assert float(weights.std()) == pytest.approx(0.02, rel=0.01)
    assert not any(value.any() for value in network.parameters() if value.ndim == 1)


def test_mixed_precision_gives_float32_of_full_resolution():
    torch.manual_seed(0)
    network = ResidualGenerator(channels=8, blocks=1)
    image = torch.rand(1, 1, 64, 48)
    with torch.autocast("cpu", torch.bfloat16):
        made = network(image)
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, network(image), atol=0.02, rtol=0)
    # bfloat16 has 128 values between 0.5 and 1
    assert len(made[made > 0.5].unique()) > 128


@pytest.mark.parametrize("size", [(15, 64), (64, 12)])
def test_a_smaller_image_is_refused(size):
    message = rf"image of {size[0]} x {size[1]} px: the generator needs 16 x 16 px or more"
    with pytest.raises(InputError, match=message):
        ResidualGenerator(channels=4, blocks=1)(torch.rand(1, 1, *size))


def test_another_upsampling_is_refused():
    with pytest.raises(InputError, match="upsampling: 'bilinear'; expected resize or transposed"):
        ResidualGenerator(upsampling="bilinear")


def test_weights_of_another_width_are_refused(tmp_path):
    torch.save(ResidualGenerator(channels=8, blocks=1).state_dict(), tmp_path / "model.pt")
    message = r"model\.pt: layers.*weight has shape \(8, 1, 7, 7\), expected \(4, 1, 7, 7\)"
    with pytest.raises(InputError, match=message):
        load_weights(ResidualGenerator(channels=4, blocks=1), tmp_path / "model.pt")
