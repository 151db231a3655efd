from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from vdes.errors import InputError
from vdes.networks.weights import half_precision, load_weights


def small(seed: int = 0, width: int = 32) -> nn.Sequential:
    """A network with convolutions, vectors, running statistics and a counter."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 1, 3))
    network[1].running_var.fill_(3e5)  # beyond float16
    network(torch.rand(4, 1, 16, 16))
    return network.eval()


def test_half_precision_halves_the_matrices_and_leaves_the_vectors():
    state = small().state_dict()
    half = half_precision(state)
    assert half.keys() == state.keys()
    assert {name for name, value in half.items() if value.dtype == torch.float16} == {"0.weight", "3.weight"}
    assert torch.equal(half["1.running_var"], state["1.running_var"])
    assert half["1.num_batches_tracked"].dtype == torch.int64
    assert state["0.weight"].dtype == torch.float32


def test_half_precision_weights_come_back_to_eleven_bits(tmp_path):
    first, second = small(0), small(1)
    torch.save(half_precision(first.state_dict()), tmp_path / "model.pt")
    assert load_weights(second, tmp_path / "model.pt") is second
    for name, value in first.state_dict().items():
        loaded = second.state_dict()[name]
        assert loaded.dtype == value.dtype
        torch.testing.assert_close(loaded, value, rtol=2**-11, atol=1e-7)
    image = torch.rand(2, 1, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(first(image), second(image), rtol=0, atol=1e-3)


def test_single_precision_weights_come_back_as_they_were(tmp_path):
    first, second = small(0), small(1)
    torch.save(first.state_dict(), tmp_path / "model.pt")
    load_weights(second, str(tmp_path / "model.pt"))
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


def test_without_a_file_nothing_changes():
    network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert load_weights(network, None) is network
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())


def unfit(folder: Path, kind: str) -> tuple[Path, str]:
    """Write a file that does not fit, and return it with what the error must say."""
    file = folder / "model.pt"
    state = small().state_dict()
    if kind == "missing":
        return file, r"no file .*; expected one such as models/model\.pt"
    if kind in ("text", "empty", "truncated"):
        torch.save(state, file)
        file.write_bytes({"text": b"no\nweights", "empty": b"", "truncated": file.read_bytes()[:700]}[kind])
        return file, "cannot be read as weights"
    if kind == "checkpoint":
        torch.save({"network": state, "progress": {"epoch": 3}}, file)
        return file, "holds 0 of the 9 entries of Sequential"
    if kind == "tensor":
        torch.save(torch.zeros(3), file)
        return file, "holds 0 of the 9 entries"
    if kind == "more":
        torch.save(state | {"more": torch.zeros(1)}, file)
        return file, "expected the weights of this network"
    if kind in ("nan", "inf"):
        state["1.running_var"][5] = float(kind)
        torch.save(state, file)
        return file, r"1\.running_var has values that are not finite; expected weights of a training that converged"
    torch.save(small(width=4).state_dict(), file)
    return file, r"0\.weight has shape \(4, 1, 3, 3\), expected \(32, 1, 3, 3\)"


@pytest.mark.parametrize(
    "kind", ["missing", "text", "empty", "truncated", "checkpoint", "tensor", "more", "shape", "nan", "inf"]
)
def test_a_file_that_does_not_fit_is_named(tmp_path, kind):
    file, message = unfit(tmp_path, kind)
    with pytest.raises(InputError, match=message) as raised:
        load_weights(small(), file)
    assert str(raised.value).startswith("weights: ")
    assert str(file) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_nothing_but_tensors_is_unpickled(tmp_path):
    torch.save(small(), tmp_path / "model.pt")  # the module itself: code would run on loading
    with pytest.raises(InputError, match="cannot be read as weights"):
        load_weights(small(), tmp_path / "model.pt")
