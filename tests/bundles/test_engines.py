"""The shipped networks by each engine and by torch, all in float32."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.network import build
from vdes.engines.inference_engine import BOUNDS, CONVERTING, CompiledNetwork
from vdes.networks.compiled_classifier import compiled_classifier

pytestmark = pytest.mark.slow
pytest.importorskip("openvino", reason="no package openvino")
pytest.importorskip("onnxruntime", reason="no package onnxruntime")

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"


def assert_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    assert float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1)) <= BOUNDS[torch.float32]


@pytest.mark.parametrize("engine", CONVERTING)
@pytest.mark.parametrize("name", ["breast_cesm_virtual_des_unet", "breast_cesm_virtual_des_cyclegan"])
def test_generators_give_the_same_images_at_every_size(name: str, engine: str) -> None:
    network = build(Bundle(BUNDLES / name), "models/model.pt")
    compiled = CompiledNetwork(network, engine=engine, precision="float32")
    torch.manual_seed(0)
    for batch, rows in ((1, 64), (2, 96), (1, 160)):
        image = torch.rand(batch, 1, rows, rows // 4 * 3 // 16 * 16 or 16)
        with torch.inference_mode():
            assert_same(compiled(image), network(image))


@pytest.mark.parametrize("engine", CONVERTING)
@pytest.mark.parametrize("weights", ["models/model.pt", "models/model_phantom.pt"])
def test_the_classifier_gives_the_same_logits_for_every_batch(weights: str, engine: str) -> None:
    network = build(Bundle(BUNDLES / "breast_cesm_lesion_classification"), weights)
    compiled = compiled_classifier(network, engine=engine, precision="float32")
    seen, size = network.seen.tolist(), int(network.size)
    torch.manual_seed(0)
    for batch in (1, 2, 3):
        image = torch.rand(batch, 2, size, size)
        image[:, [i for i, known in enumerate(seen) if not known]] = torch.nan
        with torch.inference_mode():
            assert_same(compiled(image), network(image))
