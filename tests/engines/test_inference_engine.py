from __future__ import annotations

import gc
import logging
import multiprocessing
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from vdes.engines.converted_cache import SUMS
from vdes.engines.inference_engine import CONVERTING, WORTH_COMPILING, CompiledNetwork, chosen_engine
from vdes.errors import InputError

pytest.importorskip("openvino", reason="no package openvino")
pytest.importorskip("onnxruntime", reason="no package onnxruntime")


@pytest.fixture(params=list(CONVERTING))
def engine(request: pytest.FixtureRequest) -> str:
    """An engine that converts networks."""
    return str(request.param)


def network(seed: int = 0) -> nn.Module:
    """A small network that is not the same in training."""
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU6(), nn.Conv2d(4, 1, 1))
    layers[1].running_var.fill_(2.0)
    return layers


class Pair(nn.Module):
    """Two outputs of one input."""

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return image.mean(dim=(1, 2, 3)), image * 2


def test_an_engine_gives_the_numbers_of_torch_for_any_batch_and_size(engine: str, tmp_path: Path) -> None:
    plain = network().eval()
    compiled = CompiledNetwork(network(), engine, "float32", cache_dir=tmp_path)
    for batch, rows in ((1, 32), (3, 32), (2, 48)):
        image = torch.rand(batch, 1, rows, 24).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            torch.testing.assert_close(compiled(image), plain(image), rtol=1e-5, atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 2  # one a size


def test_nothing_is_reported_to_the_makers_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = pytest.importorskip("openvino_telemetry", reason="no package openvino_telemetry")
    monkeypatch.setattr(telemetry.Telemetry, "init", lambda *_, **__: pytest.fail("telemetry was started"))
    CompiledNetwork(network(), "openvino", "float32")(torch.rand(1, 1, 8, 8))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_a_forked_process_does_not_wait_for_the_networks_of_its_parent() -> None:
    compiled = CompiledNetwork(network(), "openvino", "float32")
    compiled(torch.rand(1, 1, 8, 8))
    compiled.itself = [compiled]  # a cycle, as in a parsed config: only the garbage collector frees it
    gc.disable()
    try:
        del compiled
        child = multiprocessing.get_context("fork").Process(target=gc.collect)
        child.start()
    finally:
        gc.enable()
    child.join(20)
    child.kill()
    assert child.exitcode == 0


def _handle_a_signal() -> None:
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.raise_signal(signal.SIGUSR1)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_signals_are_handled_after_networks_were_freed_in_the_order_in_which_they_were_made() -> None:
    """In a fork, which has the parent's stack for signals: it was freed with the first network."""
    made = [CompiledNetwork(network(), "openvino", "float32") for _ in range(2)]
    for one in made:
        one(torch.rand(1, 1, 8, 8))
    del one
    while made:
        del made[0]
        gc.collect()
    child = multiprocessing.get_context("fork").Process(target=_handle_a_signal)
    child.start()
    child.join(20)
    child.kill()
    assert child.exitcode == 0


def test_several_outputs_are_a_tuple(engine: str) -> None:
    image = torch.rand(2, 1, 8, 8)
    means, doubled = CompiledNetwork(Pair(), engine, "float32")(image)
    torch.testing.assert_close(means, image.mean(dim=(1, 2, 3)))
    torch.testing.assert_close(doubled, image * 2)


def test_a_network_is_converted_once_and_another_one_is_another(engine: str, tmp_path: Path) -> None:
    image = torch.rand(1, 1, 16, 16)
    first = CompiledNetwork(network(), engine, "float32", cache_dir=tmp_path)(image)
    [folder] = tmp_path.iterdir()
    written = [file.stat().st_mtime_ns for file in sorted(folder.iterdir())]
    torch.testing.assert_close(CompiledNetwork(network(), engine, "float32", cache_dir=tmp_path)(image), first)
    assert [file.stat().st_mtime_ns for file in sorted(folder.iterdir())] == written
    other = CompiledNetwork(network(seed=1), engine, "float32", cache_dir=tmp_path)(image)
    assert not torch.allclose(other, first) and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "no sums"])
def test_a_damaged_entry_is_made_again(
    engine: str, damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = torch.rand(1, 1, 16, 16)
    first = CompiledNetwork(network(), engine, "float32", cache_dir=tmp_path)(image)
    [folder] = tmp_path.iterdir()
    weights = max(folder.iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(weights.read_bytes())
    if damage == "cut":
        weights.write_bytes(content[:-8])
    elif damage == "flipped":
        content[5] ^= 1
        weights.write_bytes(content)
    else:
        (folder / SUMS).unlink()
    again = CompiledNetwork(network(), engine, "float32", cache_dir=tmp_path)(image)
    assert torch.equal(again, first)
    assert "is damaged; the network is converted again" in caplog.text


def test_without_a_place_for_the_cache_it_works_all_the_same(
    engine: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("mine")
    image = torch.rand(1, 1, 16, 16)
    made = CompiledNetwork(network(), engine, "float32", cache_dir=tmp_path / "taken" / "cache")(image)
    torch.testing.assert_close(made, network().eval()(image), rtol=1e-5, atol=1e-6)
    assert "keeps no converted network" in caplog.text


def test_what_openvino_cannot_run_is_run_by_torch_or_refused(caplog: pytest.LogCaptureFixture) -> None:
    class Untraceable(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(2 * image.numpy())  # which tracing takes for a constant

    image = torch.rand(1, 1, 4, 4)
    assert torch.equal(CompiledNetwork(Untraceable(), "auto", "float32")(image), 2 * image)
    assert "engine: torch (openvino cannot run this network" in caplog.text
    with pytest.raises(InputError, match=r"^engine: openvino cannot run this network"):
        CompiledNetwork(Untraceable(), "openvino", "float32")(image)


def test_the_engine_is_chosen_by_device_precision_and_number_of_images(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    exact = torch.float32
    assert chosen_engine("auto", "cpu", exact) == chosen_engine("auto", "cpu", exact, WORTH_COMPILING) == "openvino"
    assert chosen_engine("auto", "cpu", torch.bfloat16) == "openvino"
    assert chosen_engine("auto", "cpu", exact, WORTH_COMPILING - 1) == "torch"
    assert chosen_engine("auto", "cuda", exact) == "torch"
    assert chosen_engine("torch", "cpu", exact) == "torch"
    with pytest.raises(InputError, match=r"^engine: 'fast'; expected auto, torch, openvino or onnxruntime$"):
        chosen_engine("fast", "cpu", exact)
    with pytest.raises(InputError, match=r"^engine: tensorrt runs a file .* expected configs/inference_trt\.yaml"):
        chosen_engine("tensorrt", "cuda", exact)
    for name in CONVERTING:
        with pytest.raises(InputError, match=f"{name} runs on a processor, not on cuda; expected torch"):
            chosen_engine(name, "cuda", exact)
    with pytest.raises(InputError, match="engine: onnxruntime computes in float32; expected precision float32"):
        chosen_engine("onnxruntime", "cpu", torch.bfloat16)


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"openvino", "onnx"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in missing else object())
    with pytest.raises(InputError, match=r"openvino is not installed; .*pip install openvino"):
        chosen_engine("openvino", "cpu", torch.float32)
    with pytest.raises(InputError, match=r"onnxruntime is not installed; .*pip install onnx\)"):
        chosen_engine("onnxruntime", "cpu", torch.float32)
    assert chosen_engine("auto", "cpu", torch.float32) == "torch"
    missing.remove("onnx")
    assert chosen_engine("auto", "cpu", torch.float32) == "onnxruntime"
    assert chosen_engine("auto", "cpu", torch.bfloat16) == "torch"


def test_its_network_keeps_its_mode_and_is_no_child() -> None:
    compiled = CompiledNetwork(network(), "torch")
    assert not compiled.network.training and not list(compiled.children())
