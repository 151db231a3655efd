from __future__ import annotations

import pytest
import torch
from monai.networks.nets import BasicUNet, BasicUNetPlusPlus
from torch import nn

from vdes.engines.autocast_inferer import AutocastInferer
from vdes.errors import InputError

LINE = "precision: float16 overflowed; batches where it does are computed again in float32"


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
    outputs = AutocastInferer("bfloat16")(inputs, network)
    assert network.outputs.dtype == torch.bfloat16
    assert outputs.dtype == torch.float32
    exact = network.conv(inputs)
    torch.testing.assert_close(outputs, exact, rtol=0.02, atol=0.02)
    assert not torch.equal(outputs, exact)


def test_without_autocast_it_is_the_network_itself(inputs):
    network = Recorder()
    outputs = AutocastInferer("float32")(inputs, network)
    assert network.outputs.dtype == outputs.dtype == torch.float32
    torch.testing.assert_close(outputs, network.conv(inputs), rtol=0, atol=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_memory_is_channels_last_and_the_pixels_are_the_same(inputs, precision):
    network = Recorder()
    AutocastInferer(precision)(inputs, network)
    assert network.inputs.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.inputs, inputs)


def test_further_arguments_reach_the_network(inputs):
    network = Recorder()
    once, twice = (AutocastInferer("float32")(inputs, network, factor=factor) for factor in (1.0, 2.0))
    torch.testing.assert_close(twice, 2 * once)


def test_gradients_flow_in_single_precision(inputs):
    network = Recorder()
    AutocastInferer("bfloat16")(inputs, network).square().mean().backward()
    gradient = network.conv.weight.grad
    assert gradient.dtype == torch.float32
    network.zero_grad()
    network.conv(inputs).square().mean().backward()
    torch.testing.assert_close(gradient, network.conv.weight.grad, rtol=0.05, atol=0.02)


def test_float16_can_be_asked_for(inputs):
    network = Recorder()
    assert AutocastInferer("float16")(inputs, network).dtype == torch.float32
    assert network.outputs.dtype == torch.float16


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match=r"^precision: 'float8'; expected auto, float32, bfloat16 or float16$"):
        AutocastInferer("float8")


# ---- float16 ends at 65504 -------------------------------------------------------------------------------------------


class Large(nn.Module):
    """A convolution of values that grow with the input and are divided again."""

    def __init__(self, end: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3)
        self.dtypes: list[torch.dtype] = []
        self.end = end

    def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        values = self.conv(inputs)
        self.dtypes.append(values.dtype)
        return {"one": values / 1000, "other": values.float().mean() / self.end}


@torch.no_grad()
def test_a_batch_that_overflows_float16_is_computed_again_in_float32(inputs, caplog):
    network, inferer = Large(), AutocastInferer("float16")
    small = inferer(inputs, network)
    assert network.dtypes == [torch.float16] and all(value.isfinite().all() for value in small.values())
    large = [inferer(1e6 * inputs, network) for _ in range(2)]
    assert network.dtypes[1:] == [torch.float16, torch.float32] * 2
    exact = AutocastInferer("float32")(1e6 * inputs, network)
    for outputs in large:
        assert all(value.isfinite().all() and torch.equal(value, exact[name]) for name, value in outputs.items())
    assert [message for message in caplog.messages if "overflowed" in message] == [LINE]


@torch.no_grad()
def test_what_is_not_finite_in_float32_either_is_no_overflow(inputs, caplog):
    outputs = AutocastInferer("float16")(inputs, Large(end=0.0))
    assert outputs["other"].isinf() and outputs["one"].isfinite().all()
    assert LINE not in caplog.messages


def test_a_training_step_is_left_to_the_gradient_scaler(inputs):
    network = Large()
    outputs = AutocastInferer("float16")(1e6 * inputs, network)
    assert network.dtypes == [torch.float16] and not outputs["one"].isfinite().all()


def test_networks_of_others_are_told_what_was_expected() -> None:
    image, inferer = torch.rand(2, 1, 32, 32), AutocastInferer("float32")
    several = BasicUNetPlusPlus(spatial_dims=2, in_channels=1, out_channels=1, features=(4, 4, 4, 4, 4, 4))
    with pytest.raises(InputError, match=r"^network: returns a list of 1; expected one tensor"):
        inferer(image, several)
    coloured = BasicUNet(spatial_dims=2, in_channels=3, out_channels=1, features=(4, 4, 4, 4, 4, 4))
    expected = (
        r"^network: takes images of 3 channels; these have shape \(2, 1, 32, 32\), expected a network that takes 1$"
    )
    with pytest.raises(InputError, match=expected):
        inferer(image, coloured)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):  # another error is shown as it is
        inferer(image, torch.nn.Linear(5, 1))
