"""Inference by an engine: all but the engine itself, which needs a GPU. A TorchScript file stands for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monai.bundle import ConfigParser, ckpt_export
from PIL import Image


@pytest.fixture(scope="module", params=["breast_cesm_virtual_des_unet", "breast_cesm_virtual_des_cyclegan"])
def bundle(request: pytest.FixtureRequest, bundles: Path) -> Path:
    return bundles / request.param


@pytest.fixture(scope="module")
def knobs(bundle: Path) -> dict[str, Any]:
    return {"height": 128, "ckpt_path": str(bundle / "models" / "model_phantom.pt")}


def test_what_the_engine_gives_is_written_as_what_the_network_gives(bundle, run, pairs, tmp_path) -> None:
    engine = tmp_path / "model_trt.ts"
    files = [str(bundle / "configs" / f"{name}.yaml") for name in ("inference", "inference_trt")]
    weights, meta = (str(bundle / file) for file in ("models/model_phantom.pt", "configs/metadata.json"))
    shape = {"use_trace": True, "input_shape": [1, 1, 128, 96]}
    ckpt_export("network_def", str(engine), weights, meta, files[0], bundle_root=str(bundle), **shape)
    imports = ConfigParser.load_config_files(files)["imports"]
    assert imports[-1] == "$import torch_tensorrt"  # which knows how to read an engine
    data = {"workflow_type": "infer", "dataset_dir": str(pairs)}
    run("inference", output_dir=str(tmp_path / "network"), **data)
    run(
        "inference",
        "inference_trt",
        output_dir=str(tmp_path / "engine"),
        engine_file=str(engine),
        imports=imports[:-1],
        **data,
    )
    made = sorted(file.name for file in (tmp_path / "engine").iterdir())
    assert len(made) == 12
    for name in made:  # another memory layout rounds differently
        one, other = (np.asarray(Image.open(tmp_path / way / name)).astype(int) for way in ("engine", "network"))
        assert abs(one - other).max() <= 2 and one.any()
