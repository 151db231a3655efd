from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from vdes.errors import InputError
from vdes.study.opened_bundle import OpenedBundle

# what somebody else's bundle may look like: it writes the low-energy image, in 16 bits, as the virtual DES image
COPIER = {
    "imports": ["$import json", "$import numpy as np", "$from pathlib import Path", "$from PIL import Image"],
    "bundle_root": ".",
    "dataset_dir": "datalist.json",
    "output_dir": "out",
    "ckpt_path": "models/model.pt",
    "strength": 1.0,
    "network_def": {"_target_": "torch.nn.Identity"},
    "listed": "$json.loads(Path(@dataset_dir).read_text())",
    "items": "$@listed['training'] + @listed['validation'] + @listed['test']",
    "files": "$[Path(@dataset_dir).parent / i['low_energy'] for i in @items]",
    "run": [
        "$Path(@output_dir).mkdir(parents=True, exist_ok=True)",
        "$[Image.fromarray((np.asarray(Image.open(f), np.float32) * 257 * @strength).astype(np.uint16))"
        ".save(Path(@output_dir) / (f.stem + '.png')) for f in @files]",
    ],
}


@pytest.fixture
def copier(tmp_path: Path) -> Callable[..., Path]:
    """Write a bundle that copies low-energy images, with changes of its config."""

    def write(**changes: object) -> Path:
        root = tmp_path / "their_bundle"
        for name in ("configs", "models"):
            (root / name).mkdir(parents=True)
        config = {key: value for key, value in {**COPIER, **changes}.items() if value is not None}
        (root / "configs" / "inference.yaml").write_text(yaml.safe_dump(config))
        (root / "configs" / "metadata.json").write_text(json.dumps({"version": "1.2.3"}))
        torch.save({}, root / "models" / "model.pt")
        return root

    return write


def test_a_bundle_of_others_that_follows_the_contract_runs(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path
) -> None:
    bundle = OpenedBundle(copier(), knobs={"strength": 0.5})
    assert (bundle.name, bundle.version) == ("their_bundle", "1.2.3")
    assert bundle.weights_sha256 == hashlib.sha256((bundle.root / "models" / "model.pt").read_bytes()).hexdigest()
    hook, path = sys.excepthook, list(sys.path)
    bundle.infer(small_datalist, tmp_path / "out")
    assert (sys.excepthook, sys.path) == (hook, path)
    written = sorted((tmp_path / "out").iterdir())
    assert len(written) == 10
    source = np.asarray(Image.open(small_datalist.parent / written[0].name), float)
    assert np.asarray(Image.open(written[0]), float) == pytest.approx(source * 128.5, abs=1)
    bundle.infer(small_datalist, tmp_path / "brighter", strength=1.0)
    assert np.asarray(Image.open(tmp_path / "brighter" / written[0].name), float) == pytest.approx(source * 257)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network_def": None}, r"inference.yaml: no `network_def`; expected the network of the bundle"),
        ({"dataset_dir": None}, r"inference.yaml: no knob `dataset_dir`"),
    ],
)
def test_a_bundle_without_the_contract_is_refused(
    copier: Callable[..., Path], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        OpenedBundle(copier(**changes))


def test_what_is_no_bundle_is_refused(copier: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: no such folder"):
        OpenedBundle(tmp_path / "none")
    with pytest.raises(InputError, match=r"no configs/inference.yaml"):
        OpenedBundle(tmp_path)
    root = copier()
    with pytest.raises(InputError, match=r"no knob `height`"):
        OpenedBundle(root, knobs={"height": 256})
    with pytest.raises(InputError, match=r"other.pt: no such file; expected the weights of their_bundle"):
        OpenedBundle(root, root / "other.pt")
    (root / "configs" / "inference.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"inference.yaml: no config that MONAI reads"):
        OpenedBundle(root)


def test_whatever_a_bundle_raises_is_one_error_that_names_it(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path
) -> None:
    bundle = OpenedBundle(copier(run=["$1 / 0"]))
    with pytest.raises(InputError, match=r"^bundle their_bundle: ZeroDivisionError: division by zero$"):
        bundle.infer(small_datalist, tmp_path / "out")


def test_weights_that_do_not_fit_are_an_error(tmp_path: Path, small_datalist: Path) -> None:
    root = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    bundle = OpenedBundle(root, tmp_path / "other.pt", {"height": 64})
    with pytest.raises(InputError, match=r"breast_cesm_virtual_des_unet: weights: .*other.pt holds 0 of the"):
        bundle.infer(small_datalist, tmp_path / "out", num_workers=0)
    assert not list((tmp_path / "out").glob("*.png"))
