"""Inference by two processes: they share the cases out, and nothing is lost or done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from vdes.data.datalist import Datalist

pytestmark = pytest.mark.slow

CASES = 7  # of two patients, and not a multiple of two
SAVE = "$torch.save(list(@sampler), @output_dir + '_rank' + os.environ['RANK'] + '.pt')"
GENERATORS = ("breast_cesm_virtual_des_unet", "breast_cesm_virtual_des_cyclegan")
CLASSIFIER = "breast_cesm_lesion_classification"


@pytest.fixture(scope="module", params=[*GENERATORS, CLASSIFIER])
def bundle(request: pytest.FixtureRequest, bundles: Path) -> Path:
    return bundles / request.param


@pytest.fixture(scope="module")
def knobs(bundle: Path) -> dict[str, Any]:
    own: dict[str, Any] = {"ckpt_path": str(bundle / "models" / "model_phantom.pt")}
    return own if bundle.name == CLASSIFIER else {**own, "height": 96}


@pytest.fixture(scope="module")
def few(labelled: Path) -> Path:
    datalist = json.loads(labelled.read_text())
    few = datalist | {"training": [], "validation": [], "test": datalist["test"][:CASES]}
    Datalist.write(labelled.with_name("few.json"), few, overwrite=True)
    return labelled.with_name("few.json")


def test_two_processes_write_what_one_writes(bundle, run, program, steps, few, tmp_path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    run("inference", workflow_type="infer", dataset_dir=str(few), output_dir=str(one))
    ends = {"run_id": "infer_and_save", "infer_and_save": [*steps("inference", "multi_gpu_inference"), SAVE]}
    knobs = {"dataset_dir": str(few), "output_dir": str(two), **ends}
    done = program("inference", "multi_gpu_inference", processes=2, **knobs)
    assert done.returncode == 0, done.stderr[-2000:]
    shares = [torch.load(tmp_path / f"two_rank{rank}.pt", weights_only=True) for rank in range(2)]
    assert [len(share) for share in shares] == [4, 3] and sorted(shares[0] + shares[1]) == list(range(CASES))
    files = sorted(file.name for file in one.iterdir())
    assert sorted(file.name for file in two.iterdir()) == files
    if bundle.name in GENERATORS:
        assert len(files) == CASES
        assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)
    else:
        tables = [pd.read_csv(folder / "predictions.csv") for folder in (one, two)]
        assert tables[0]["level"].value_counts().to_dict() == {"image": CASES, "breast": 4, "examination": 2}
        # batches of other cases round differently
        pd.testing.assert_frame_equal(*tables, rtol=1e-4, atol=1e-4)


def test_two_processes_refuse_what_one_refuses(bundle, program, few, tmp_path) -> None:
    written = tmp_path / ("predictions.csv" if bundle.name == CLASSIFIER else "P12_L_CC.png")
    written.write_text("mine")
    knobs = {"dataset_dir": str(few), "output_dir": str(tmp_path)}
    done = program("inference", "multi_gpu_inference", processes=2, **knobs)
    assert done.returncode != 0
    assert f"error: {written}: exists already" in done.stderr
    assert written.read_text() == "mine" and list(tmp_path.iterdir()) == [written]
