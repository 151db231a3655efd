from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vdes.bundle.bundle import Bundle
from vdes.errors import InputError


def test_a_bundle_of_others_that_follows_the_contract_runs(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path
) -> None:
    bundle = Bundle(copier(), knobs={"strength": 0.5})
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


@pytest.mark.parametrize("name", ["a#b", "$x", "@y", "20241125", "a,b"])
def test_a_folder_may_have_any_name(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Bundle(copier()).infer(small_datalist, Path(name))
    assert len(list((tmp_path / name).iterdir())) == 10


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
        Bundle(copier(**changes)).check_inference()


def test_what_is_no_bundle_is_refused(copier: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: no such folder"):
        Bundle(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no folder configs; expected the folder of a bundle"):
        Bundle(tmp_path)
    root = copier()
    with pytest.raises(InputError, match=r"no knob `height`"):
        Bundle(root, knobs={"height": 256}).check_inference()
    with pytest.raises(InputError, match=r"other.pt: no such file; expected the weights of their_bundle"):
        Bundle(root, root / "other.pt").check_inference()
    (root / "configs" / "inference.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"inference.yaml: not a config that MONAI reads"):
        Bundle(root).check_inference()
    (root / "configs" / "inference.yaml").unlink()
    with pytest.raises(InputError, match=r"no configs/inference.yaml"):
        Bundle(root).check_inference()
    with pytest.raises(InputError, match=r"configs/train.yaml: no such file; expected the training of a bundle"):
        Bundle(root).epochs(["train"], {})


def test_the_epochs_of_a_training_are_those_of_the_last_who_names_them(copier: Callable[..., Path]) -> None:
    root = copier()
    for name, text in (("train", "epochs: 7"), ("joint", "epochs: 5"), ("multi", "device: cuda")):
        (root / "configs" / f"{name}.yaml").write_text(text)
    bundle = Bundle(root)
    assert bundle.epochs(["train"], {}) == 7
    assert bundle.epochs(["train", "joint", "multi"], {}) == 5
    assert bundle.epochs(["train", "joint"], {"epochs": 2}) == 2
    assert bundle.epochs(["multi"], {}) == 1


def test_whatever_a_bundle_raises_is_one_error_that_names_it(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path
) -> None:
    bundle = Bundle(copier(run=["$1 / 0"]))
    with pytest.raises(InputError, match=r"^bundle their_bundle: ZeroDivisionError: division by zero$"):
        bundle.infer(small_datalist, tmp_path / "out")


@pytest.mark.parametrize("run", [[], ["$Path(@output_dir).mkdir()"]], ids=["no folder", "empty folder"])
def test_an_inference_without_an_output_is_an_error(
    copier: Callable[..., Path], small_datalist: Path, tmp_path: Path, run: list[str]
) -> None:
    with pytest.raises(InputError, match=r"^bundle their_bundle: its inference ended without an output; expected"):
        Bundle(copier(run=run)).infer(small_datalist, tmp_path / "out")


def test_weights_that_do_not_fit_are_an_error(tmp_path: Path, small_datalist: Path) -> None:
    root = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    bundle = Bundle(root, tmp_path / "other.pt", {"height": 64})
    with pytest.raises(InputError, match=r"breast_cesm_virtual_des_unet: weights: .*other.pt holds 0 of the"):
        bundle.infer(small_datalist, tmp_path / "out", num_workers=0)
    assert not list((tmp_path / "out").glob("*.png"))
