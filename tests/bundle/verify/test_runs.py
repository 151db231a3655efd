"""The checks that run a bundle: network, exports, workflows and the card's commands."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.checks import verify
from vdes.bundle.verify.commands import CARD
from vdes.bundle.verify.exports import check_exports
from vdes.bundle.verify.network import build, check_fit, check_in_out
from vdes.bundle.verify.run_commands import check_runs
from vdes.bundle.verify.workflows import check_workflows
from vdes.cli.program import program
from vdes.networks.virtual_des_unet import VirtualDesUNet

pytestmark = pytest.mark.slow

UNET, CLASSIFIER = "breast_cesm_virtual_des_unet", "breast_cesm_lesion_classification"
PROJECT = Path(__file__).resolve().parents[3]
BUNDLES = sorted(path.parent.parent.name for path in PROJECT.glob("bundles/*/configs/metadata.json"))


@pytest.fixture(scope="module")
def originals(good_bundle, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("bundles")

    def original(name: str) -> Path:
        return folder / name if (folder / name).is_dir() else good_bundle(name, folder)

    return original


@pytest.fixture
def unet(originals: Callable[[str], Path], tmp_path: Path) -> Path:
    return shutil.copytree(originals(UNET), tmp_path / UNET)


def changed(bundle: Path, config: str, old: str, new: str) -> Bundle:
    file = bundle / "configs" / config
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return Bundle(bundle)


@pytest.mark.parametrize("name", BUNDLES)
def test_the_shipped_bundles_pass_and_their_exports_are_measured(name: str) -> None:
    bundle = Bundle(PROJECT / "bundles" / name)
    lines = verify(bundle, program())
    assert [str(line) for line in lines if not line.good] == []
    figures = [str(line) for line in lines if line.good]
    assert len(figures) == 2 * max(1, len(bundle.stored_weights))
    for figure in figures:
        assert re.search(
            r": (TorchScript|ONNX): differs by \d\.\de[-+]\d\d at most from torch \(.+, any batch, ", figure
        )


def test_metadata_that_do_not_describe_the_network_are_found(unet: Path) -> None:
    file = unet / "configs" / "metadata.json"
    metadata = json.loads(file.read_text())
    metadata["network_data_format"]["outputs"]["pred"]["num_channels"] = 2
    file.write_text(json.dumps(metadata))
    (line,) = check_in_out(Bundle(unet))
    assert "verify_net_in_out, n = 1: ValueError: output channel number `1` doesn't match: `2`" in str(line)
    metadata["network_data_format"]["outputs"]["pred"] |= {"num_channels": 1, "spatial_shape": ["16*n", "32*n"]}
    file.write_text(json.dumps(metadata))
    found = [str(line) for line in check_in_out(Bundle(unet))]
    assert len(found) == 2 and found[0].endswith("gives (2, 1, 32, 32); the metadata's pred says (2, 1, 16, 32)")


def test_weights_of_another_network_are_found(unet: Path) -> None:
    torch.save(VirtualDesUNet(decoder_channels=(64, 32, 16, 8, 4)).state_dict(), unet / "models" / "model.pt")
    (line,) = check_fit(Bundle(unet))
    assert str(line).startswith(
        "models/model.pt: does not fit network_def of configs/inference.yaml: InputError: weights"
    )


def test_a_network_that_exports_as_something_else_is_found(unet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (unet / "models" / "model_phantom.pt").unlink()
    monkeypatch.setattr("vdes.bundle.verify.exports.LARGEST_DIFFERENCE", {"TorchScript": -1.0, "ONNX": -1.0})
    found = [str(line) for line in check_exports(Bundle(unet)) if not line.good]
    assert [text.split(": ")[1] for text in found] == ["TorchScript", "ONNX"]
    assert all("from torch; expected" in text for text in found)


def test_weights_that_have_seen_one_input_are_exported_for_it_alone(
    originals: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(originals(CLASSIFIER), tmp_path / CLASSIFIER)
    for file in (folder / "models").iterdir():
        file.unlink()
    state = build(Bundle(folder)).state_dict() | {"seen": torch.tensor([False, True])}
    torch.save(state, folder / "models" / "model.pt")
    lines = list(check_exports(Bundle(folder)))
    assert [line.good for line in lines] == [True, True]
    assert all(re.search(r"\(256 x 256, (any batch|batch 1), channel 1 alone\)$", line.what) for line in lines)


def test_missing_properties_and_broken_configs_are_found(unet: Path) -> None:
    config = unet / "configs" / "inference.yaml"
    renamed = re.sub(r"^inferer:", "own_inferer:", config.read_text(), flags=re.MULTILINE)
    config.write_text(renamed.replace("'@inferer'", "'@own_inferer'"))
    (line,) = check_workflows(Bundle(unet))
    assert re.match("configs/inference.yaml: .* 'inferer' .* not in the config", str(line))
    bundle = changed(unet, "evaluate.yaml", "load_weights(@network_def", "load_weights(@network_deff")
    found = [str(line) for line in check_workflows(bundle)]
    assert len(found) == 2 and re.match("configs/evaluate.yaml: (the workflow cannot be set up|check_prop)", found[0])


def test_the_cards_commands_are_run_and_the_one_that_fails_is_named(unet: Path) -> None:
    run = "python -m monai.bundle run --config_file configs/inference.yaml --bundle_root . --dataset_dir images"
    made, failing = f"{run} --output_dir virtual_des", f"{run} --output_dir {{}} --output_ext .gif"
    card = f"# Card\n```\n{made}\n{failing.format('gif')}\nvdes phantom phantoms --patients 500\n```\n"
    (unet / CARD).write_text(card + "```\nvdes datalist virtual datalist.json virtual_des --output virtual.json\n```\n")
    failure, missing, figure = (str(line) for line in check_runs(Bundle(unet)))
    assert re.match(r"docs/README.md:4: ended with exit status [12]: .*\.gif", failure)
    # the folder of the first command's outputs holds less than the datalist does
    assert re.match(r"docs/README.md:8: ended with exit status 2: error: ", missing)
    assert re.match(r"docs/README.md: 3 commands tried on phantoms in \d+ s; not tried: 1 \(vdes phantom\)", figure)
