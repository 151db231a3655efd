"""Images and weights that are replaced in the middle of a training: its weights and their record agree, or it stops."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser, ConfigWorkflow

from vdes.data.datalist import Datalist
from vdes.data.training_record import fingerprint, known_record
from vdes.errors import find_input_error

UNET, CYCLEGAN = "breast_cesm_virtual_des_unet", "breast_cesm_virtual_des_cyclegan"
CLASSIFIER = "breast_cesm_lesion_classification"
TARGET = "vdes.data.datasets.cached_dataset.cached_dataset"
SMALL: dict[str, Any] = {"encoder_weights": "none", "height": 96, "epochs": 1, "batch_size": 2}


@pytest.fixture
def images(pairs: Path, tmp_path: Path) -> Path:
    """A datalist of pairs whose images a test may replace."""
    folder = tmp_path / "images"
    shutil.copytree(pairs.parent, folder)
    return folder / "datalist.json"


@pytest.fixture
def workflow(bundles: Path, images: Path, tmp_path: Path) -> Callable[..., ConfigWorkflow]:
    """Return the training of the U-Net, which has not begun yet."""

    def workflow(**knobs: Any) -> ConfigWorkflow:
        own = {"bundle_root": str(bundles / UNET), "dataset_dir": str(images), "output_dir": str(tmp_path / "run")}
        settings = {"precision": "float32", "num_workers": 0, "device": "cpu", **own, **SMALL, **knobs}
        config = str(bundles / UNET / "configs" / "train.yaml")
        made = ConfigWorkflow(config_file=config, workflow_type="train", logging_file=False, **settings)
        made.initialize()
        return made

    return workflow


def first_and_other(datalist: Path, section: str = "training") -> tuple[Path, Path]:
    """Return the first low-energy image of a section, and one of the test section."""
    listed = Datalist.read(datalist)
    return Path(listed.items(section)[0]["low_energy"]), Path(listed.items("test")[0]["low_energy"])


def put_in_place(file: Path, other: Path, size: int | None = None) -> None:
    """Replace a file by another, with the time and, filled up with what no reader looks at, the size of the old one."""
    status = file.stat()
    beside = file.with_name("new.png")
    beside.write_bytes(other.read_bytes() + bytes(max(0, status.st_size - other.stat().st_size)))
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.replace(file)


def refused(workflow: ConfigWorkflow) -> str:
    """Return the one line with which a training ends."""
    with pytest.raises(Exception) as caught:
        workflow.run()
    found = find_input_error(caught.value)
    assert found is not None, caught.value
    return str(found)


@pytest.mark.parametrize("change", ["replaced", "deleted"])
@pytest.mark.parametrize("section", ["training", "validation"])
def test_the_record_is_of_the_images_that_were_cached(
    workflow: Callable[..., ConfigWorkflow], images: Path, tmp_path: Path, change: str, section: str
) -> None:
    file, other = first_and_other(images, section)
    old = fingerprint(file)
    training = workflow()
    training.parser.get_parsed_content("train#cache")
    training.parser.get_parsed_content("validate#cache")
    if change == "replaced":
        put_in_place(file, other)
    else:
        file.unlink()
    training.run()
    seen = known_record(tmp_path / "run" / "model.pt")["images"]
    assert old in seen
    assert fingerprint(other) not in seen


def test_an_image_that_was_replaced_before_it_was_resumed_is_not_that_of_the_run(
    workflow: Callable[..., ConfigWorkflow], images: Path, tmp_path: Path
) -> None:
    file, other = first_and_other(images)
    workflow().run()
    weights = (tmp_path / "run" / "model.pt").read_bytes()
    put_in_place(file, other)
    assert "last.pt: dataset_dir: not the training and validation data" in refused(workflow())
    assert (tmp_path / "run" / "model.pt").read_bytes() == weights
    # and in a folder of its own it is trained on, although the cache has an entry of the old one
    workflow(output_dir=str(tmp_path / "new"), cache_dir=str(tmp_path / "run" / "cache")).run()
    assert fingerprint(file) in known_record(tmp_path / "new" / "model.pt")["images"]
    assert len(list((tmp_path / "run" / "cache").iterdir())) == 9


def test_weights_that_are_replaced_before_they_are_loaded_are_refused(
    workflow: Callable[..., ConfigWorkflow], bundles: Path, tmp_path: Path
) -> None:
    shipped, start = bundles / UNET / "models", tmp_path / "start.pt"
    shutil.copy(shipped / "model.pt", start)
    training = workflow(initial_weights=str(start))
    training.parser.get_parsed_content("record").read_weights()
    shutil.copy(shipped / "model_phantom.pt", start)
    assert refused(training) == f"{start}: was changed while this run read it; run it again when its content is final"
    assert not (tmp_path / "run" / "model.pt").exists()


@pytest.mark.parametrize("bundle", [UNET, CYCLEGAN, CLASSIFIER])
@pytest.mark.parametrize("names", [("train",), ("train", "multi_gpu_train")], ids="+".join)
def test_every_cache_of_a_training_speaks_of_the_files_of_its_record(
    bundles: Path, bundle: str, names: tuple[str, ...]
) -> None:
    files = [str(bundles / bundle / "configs" / f"{name}.yaml") for name in names]
    config = ConfigParser.load_config_files(files)

    def caches(content: Any) -> list[dict[str, Any]]:
        inside = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
        here = [content] if isinstance(content, dict) and content.get("_target_") == TARGET else []
        return here + [cache for value in inside for cache in caches(value)]

    found = caches(config)
    assert len(found) >= 2
    assert {cache.get("known") for cache in found} == {"$@record.files"}
    run = config["run"]
    loads = next(i for i, step in enumerate(run) if "@network" in step)
    assert run.index("$@record.read_weights()") < loads
