from __future__ import annotations

import pytest
import torch
from bench.cyclegan import PlainCycleGan, plain_discriminator, plain_generator, trainer
from torch import nn

from vdes.networks.patch_discriminator import PatchDiscriminator
from vdes.networks.residual_generator import ResidualGenerator

SIZE = {"channels": 6, "blocks": 2}


def copy(source: nn.Module, target: nn.Module) -> None:
    """Copy weights between networks that name them differently."""
    for one, other in zip(source.parameters(), target.parameters(), strict=True):
        other.data.copy_(one.data)


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(2, 1, 48, 36, generator=torch.Generator().manual_seed(0))


def test_the_generator_is_the_published_one(image):
    ours, plain = ResidualGenerator(upsampling="transposed", **SIZE), plain_generator(**SIZE)
    copy(ours, plain)
    torch.testing.assert_close(2 * ours(image) - 1, plain(2 * image - 1), atol=2e-6, rtol=0)


def test_the_discriminator_is_the_published_one(image):
    ours, plain = PatchDiscriminator(channels=6), plain_discriminator(6)
    copy(ours, plain)
    torch.testing.assert_close(ours(image), plain(2 * image - 1), atol=2e-6, rtol=0)


def test_both_train_alike():
    """What a pass shares, the scale of the losses and the order of the steps are as published: so are the weights."""
    torch.manual_seed(0)
    ours, plain = trainer("transposed", precision="float32", **SIZE), PlainCycleGan(**SIZE)
    networks = {
        "generators": (ours.des_generator, ours.low_energy_generator),
        "discriminators": (ours.des_discriminator, ours.low_energy_discriminator),
    }
    before = {}
    for name, pair in networks.items():
        for one, other in zip(pair, getattr(plain, name), strict=True):
            copy(one, other)
        before[name] = [value.clone() for network in pair for value in network.parameters()]
    for _ in range(3):  # as many images as the pools take without chance
        batch = {"image": torch.rand(1, 1, 48, 36), "label": torch.rand(1, 1, 48, 36)}
        ours._iteration(ours, batch)
        plain.step(batch)
    for name, pair in networks.items():
        after = [value for network in pair for value in network.parameters()]
        expected = [value for network in getattr(plain, name) for value in network.parameters()]
        moved = [float((one - other).detach().abs().max()) for one, other in zip(after, before[name], strict=True)]
        apart = [float((one - other).detach().abs().max()) for one, other in zip(after, expected, strict=True)]
        # biases before a normalisation have a gradient of rounding errors alone, which Adam makes a full step of
        compared = [index for index, value in enumerate(after) if value.ndim > 1]
        assert min(moved[index] for index in compared) > 3e-4
        assert max(apart[index] for index in compared) < 3e-5, name
