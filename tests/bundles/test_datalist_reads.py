"""A run of a bundle reads its datalist once, whatever of it the configs ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser

from vdes.data.datalist import Datalist
from vdes.study.defaults import shipped_classifier, shipped_generators
from vdes.study.question import Question
from vdes.study.study import Study
from vdes.study.study_steps import study_steps

UNET, CYCLEGAN = "breast_cesm_virtual_des_unet", "breast_cesm_virtual_des_cyclegan"
CLASSIFIER, STUDY = "breast_cesm_lesion_classification", "breast_cesm_real_vs_virtual_des"
USES = ("@listed", "@source", "@dataset_dir", "Datalist.read(")

Reads = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture(scope="module")
def reads() -> Reads:
    """List the files that this process opens to read."""
    listening: list[list[str]] = []

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "open" and isinstance(arguments[0], str) and "r" in str(arguments[1]):
            listening[-1].append(arguments[0])

    sys.addaudithook(heard)  # it stays as long as the process, and is deaf outside of the context

    @contextmanager
    def reads() -> Iterator[list[str]]:
        listening.append([])
        try:
            yield listening[-1]
        finally:
            listening.pop()

    return reads


def uses(content: Any, at: str = "") -> Iterator[str]:
    """Return the places in a config that use the datalist."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from uses(value, f"{at}#{key}" if at else str(key))
    elif isinstance(content, str) and any(word in content for word in USES):
        yield at


@pytest.mark.parametrize(
    ("bundle", "names"),
    [
        (UNET, ("train",)),
        (UNET, ("train", "evaluate")),
        (UNET, ("train", "joint")),
        (UNET, ("inference",)),
        (CYCLEGAN, ("train",)),
        (CYCLEGAN, ("train", "evaluate")),
        (CYCLEGAN, ("inference",)),
        (CLASSIFIER, ("train",)),
        (CLASSIFIER, ("train", "evaluate")),
        (CLASSIFIER, ("inference",)),
    ],
)
def test_a_config_reads_its_datalist_once(bundles: Path, labelled: Path, reads: Reads, tmp_path, bundle, names):
    (tmp_path / "model.pt").write_bytes(b"weights")
    parser = ConfigParser()
    parser.read_config([str(bundles / bundle / "configs" / f"{name}.yaml") for name in names])
    parser.update({"dataset_dir": str(labelled), "bundle_root": str(tmp_path), "ckpt_path": str(tmp_path / "model.pt")})
    places = [place for place in uses(parser.get()) if not place.startswith("run")]
    assert len(places) >= 4
    with reads() as opened:
        for place in places:
            parser.get_parsed_content(place)
        if "train" in names:
            assert parser.get_parsed_content("record").content["images"]
    assert opened.count(str(labelled)) == 1


def test_a_study_reads_its_datalist_once(bundles: Path, labelled: Path, reads: Reads, tmp_path: Path) -> None:
    with reads() as opened:
        study = Study(
            Datalist.read(labelled),
            tmp_path / "study",
            shipped_generators(bundles, "model_phantom"),
            shipped_classifier(bundles, "model_phantom"),
            Question("virtual_des-unet"),
        )
        study.open_folder(overwrite=False)
        for step in (step for step in study_steps(study) if step.kind == "datalist"):
            step.run()
    assert opened.count(str(labelled)) == 1
    written = sorted((study.part("split") / "datalists").iterdir())
    assert len(written) == 5  # real pairs and low energy twice, all and judged; the other patient's DES
    assert [file for file in map(str, written) if file in opened] == []  # what was written is not read again
