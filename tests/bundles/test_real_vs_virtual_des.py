"""The bundle of the real-vs-virtual study, with the weights of the bundles beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
from monai.bundle import ConfigWorkflow
from PIL import Image

from vdes.data.datalist import Datalist
from vdes.errors import find_input_error
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

Run = Callable[..., ConfigWorkflow]


@pytest.fixture(scope="module")
def bundle(bundles: Path) -> Path:
    return bundles / "breast_cesm_real_vs_virtual_des"


@pytest.fixture(scope="module")
def knobs() -> dict[str, Any]:
    return {}


@pytest.fixture(scope="module")
def phantom_weights(bundles: Path) -> dict[str, Any]:
    """The knobs of the weights for phantoms, at a small working height."""
    return {
        "ckpt_path": str(bundles / "breast_cesm_lesion_classification" / "models" / "model_phantom.pt"),
        "generator_ckpt_path": str(bundles / "breast_cesm_virtual_des_unet" / "models" / "model_phantom.pt"),
        "height": 64,
    }


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist of eight phantom patients at 64 px, half of them for testing and half for validation."""
    settings = Settings(8, 5, 64, test_fraction=0.5, validation_fraction=0.5)
    return generate(tmp_path_factory.mktemp("cases") / "set", settings)


def test_inference_makes_the_images_and_judges_them(
    run: Run, cases: Path, tmp_path: Path, phantom_weights: dict[str, Any]
) -> None:
    run("inference", workflow_type="infer", dataset_dir=str(cases), output_dir=str(tmp_path), **phantom_weights)
    items = [item for section in ("validation", "test") for item in Datalist.read(cases).items(section)]
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert set(table.loc[table["level"] == "image", "case"]) == {item["case"] for item in items}
    assert set(table["inputs"]) == {"des"}
    for item in items:
        with Image.open(tmp_path / "virtual_des" / f"{Path(item['low_energy']).stem}.png") as image:
            assert np.asarray(image).max() > 0

    run(
        "inference",
        workflow_type="infer",
        dataset_dir=str(cases),
        output_dir=str(tmp_path),
        inputs="both",
        overwrite=True,
        **phantom_weights,
    )
    both = pd.read_csv(tmp_path / "predictions.csv")
    assert set(both["inputs"]) == {"low_energy+des"}
    assert both["logit"].tolist() != table["logit"].tolist()


def test_an_unknown_precision_is_refused_before_the_generators_work(
    run: Run, cases: Path, tmp_path: Path, phantom_weights: dict[str, Any]
) -> None:
    own = {"dataset_dir": str(cases), "output_dir": str(tmp_path / "out"), "precision": "float8"}
    with pytest.raises(Exception) as error:
        run("inference", workflow_type="infer", **own, **phantom_weights)
    assert str(find_input_error(error.value)) == "precision: 'float8'; expected auto, float32, bfloat16 or float16"
    assert not (tmp_path / "out").exists()


def test_inference_writes_dicom_beside(
    run: Run, dicom_phantoms: Path, tmp_path: Path, phantom_weights: dict[str, Any]
) -> None:
    datalist = dicom_phantoms / "datalist.json"
    run(
        "inference",
        workflow_type="infer",
        dataset_dir=str(datalist),
        output_dir=str(tmp_path),
        output_ext=".dcm",
        **phantom_weights,
    )
    written = sorted((tmp_path / "virtual_des").glob("*.dcm"))
    assert len(written) == len(sorted((tmp_path / "virtual_des").glob("*.png"))) == 12
    made = pydicom.dcmread(written[0])
    assert made.SyntheticData == "YES"
    assert made.Modality == "MG"
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert (table["level"] == "image").sum() == 12


def test_properties_that_monai_wants_of_inference_are_there(
    bundle: Path, cases: Path, tmp_path: Path, phantom_weights: dict[str, Any]
) -> None:
    workflow = ConfigWorkflow(
        str(bundle / "configs" / "inference.yaml"),
        workflow_type="infer",
        logging_file=False,
        bundle_root=str(bundle),
        dataset_dir=str(cases),
        output_dir=str(tmp_path),
        **phantom_weights,
    )
    workflow.initialize()
    assert not workflow.check_properties()


def test_the_study_ends_in_its_report(
    run: Run, cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"unet_height": 64, "cyclegan_height": 64, "height": 64, "n_resamples": 50}
    run("study", workflow_type="infer", dataset_dir=str(cases), output_dir=str(tmp_path / "study"), **small)
    content = json.loads((tmp_path / "study" / "metrics.json").read_text())
    assert {arm["generator"] for arm in content["arms"]} == {None, "unet", "cyclegan"}
    assert content["question"]["arm"] == "virtual_des-unet"
    assert (tmp_path / "study" / "report.html").is_file()
    assert "virtual DES (unet) against real DES, f1 by examination" in capsys.readouterr().out
