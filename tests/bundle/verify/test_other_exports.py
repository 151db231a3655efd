"""Exports beyond what verification asks of every bundle: torch.export and OpenVINO, of the shipped weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.exports import to_onnx
from vdes.bundle.verify.network import accepted_channels, build, example, is_dynamic

pytestmark = pytest.mark.slow

BUNDLES = Path(__file__).resolve().parents[3] / "bundles"
GENERATORS = {"breast_cesm_virtual_des_unet": 32, "breast_cesm_virtual_des_cyclegan": 16}
CLASSIFIER = "breast_cesm_lesion_classification"
WEIGHTS = ("models/model.pt", "models/model_phantom.pt")


def assert_same(bundle: Bundle, network: torch.nn.Module, exported: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Compare at sizes and batches that it was not exported with."""
    channels = accepted_channels(bundle, network)
    for n, batch in ((3, 1), (5, 3)) if is_dynamic(bundle) else ((1, 1), (1, 3)):
        image = example(bundle, n, batch, channels)
        with torch.no_grad():
            torch.testing.assert_close(exported(image), network(image), rtol=0, atol=1e-4)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name, multiple", GENERATORS.items())
def test_generators_export_for_any_batch_and_size(name: str, multiple: int, weights: str, tmp_path: Path) -> None:
    bundle = Bundle(BUNDLES / name)
    network = build(bundle, weights)
    batch, rows, columns = (torch.export.Dim(axis, max=256) for axis in ("batch", "rows", "columns"))
    sizes = ({0: batch, 2: multiple * rows, 3: multiple * columns},)
    exported = torch.export.export(network, (example(bundle, 4, 2),), dynamic_shapes=sizes)
    torch.export.save(exported, tmp_path / "model.pt2")
    assert_same(bundle, network, torch.export.load(tmp_path / "model.pt2").module())


def test_the_classifier_does_not_export_so_for_it_looks_at_what_its_images_hold() -> None:
    bundle = Bundle(BUNDLES / CLASSIFIER)
    with pytest.raises(Exception, match="data-dependent"):
        torch.export.export(build(bundle, "models/model_phantom.pt"), (example(bundle, 1, 2),))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", [*GENERATORS, CLASSIFIER])
def test_openvino_reads_what_onnx_holds(name: str, weights: str, tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino", reason="no package openvino")
    bundle = Bundle(BUNDLES / name)
    network = build(bundle, weights)
    with torch.no_grad():
        to_onnx(bundle, network, example(bundle, 2, 1, accepted_channels(bundle, network)), tmp_path / "model")
    core = openvino.Core()
    openvino.save_model(core.read_model(tmp_path / "model.onnx"), tmp_path / "model.xml", compress_to_fp16=False)
    compiled = core.compile_model(tmp_path / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert_same(bundle, network, lambda image: torch.from_numpy(compiled([image.numpy()])[0]))
