from __future__ import annotations

import pytest
import torch
from torch import nn

from vdes.engines.autocast_inferer import AutocastInferer


class Recorder(nn.Module):
    """A convolution that keeps what it was given and what it returned."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, inputs: torch.Tensor, factor: float = 1.0) -> torch.Tensor:
        self.inputs = inputs
        self.outputs = self.conv(inputs) * factor
        return self.outputs


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.rand(2, 3, 16, 20, generator=torch.Generator().manual_seed(1))


def test_the_network_runs_in_bfloat16_and_the_result_is_single_precision(inputs):
    network = Recorder()
    outputs = AutocastInferer()(inputs, network)
    assert network.outputs.dtype == torch.bfloat16
    assert outputs.dtype == torch.float32
    exact = network.conv(inputs)
    torch.testing.assert_close(outputs, exact, rtol=0.02, atol=0.02)
    assert not torch.equal(outputs, exact)


def test_without_autocast_it_is_the_network_itself(inputs):
    network = Recorder()
    outputs = AutocastInferer(enabled=False)(inputs, network)
    assert network.outputs.dtype == outputs.dtype == torch.float32
    torch.testing.assert_close(outputs, network.conv(inputs), rtol=0, atol=1e-6)


@pytest.mark.parametrize("enabled", [True, False])
def test_memory_is_channels_last_and_the_pixels_are_the_same(inputs, enabled):
    network = Recorder()
    AutocastInferer(enabled)(inputs, network)
    assert network.inputs.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.inputs, inputs)


def test_further_arguments_reach_the_network(inputs):
    network = Recorder()
    once, twice = (AutocastInferer(False)(inputs, network, factor=factor) for factor in (1.0, 2.0))
    torch.testing.assert_close(twice, 2 * once)


def test_gradients_flow_in_single_precision(inputs):
    network = Recorder()
    AutocastInferer()(inputs, network).square().mean().backward()
    gradient = network.conv.weight.grad
    assert gradient.dtype == torch.float32
    network.zero_grad()
    network.conv(inputs).square().mean().backward()
    torch.testing.assert_close(gradient, network.conv.weight.grad, rtol=0.05, atol=0.02)


def test_another_type_can_be_asked_for(inputs):
    network = Recorder()
    assert AutocastInferer(dtype=torch.float16)(inputs, network).dtype == torch.float32
    assert network.outputs.dtype == torch.float16
