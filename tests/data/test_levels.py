from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import default_collate

from vdes.data.cdd_cesm.datalist import write_cdd_cesm
from vdes.data.levels import LEVEL_FIELDS, labelled_items, lesions_drawn, with_levels
from vdes.errors import InputError


def item(case: str, **fields: Any) -> dict[str, Any]:
    return {"case": case, "patient": "P1", "laterality": "L", "pathology": "benign"} | fields


def groups(items: list[dict[str, Any]], level: str) -> list[list[str]]:
    """The cases of each breast or examination."""
    names = dict.fromkeys(item[level] for item in items)
    return [[item["case"] for item in items if item[level] == name] for name in names]


def test_a_patient_has_one_examination_unless_it_says_otherwise():
    views = [item("a"), item("b"), item("c", laterality="R"), item("d", patient="P2")]
    found = [with_levels(view) for view in views]
    assert groups(found, "breast") == [["a", "b"], ["c"], ["d"]]
    assert groups(found, "examination") == [["a", "b", "c"], ["d"]]
    years = [view | {"examination": year} for view, year in zip(views, ("S1", "S2", "S1", "S1"), strict=True)]
    found = [with_levels(view) for view in years]
    assert groups(found, "breast") == [["a"], ["b"], ["c"], ["d"]]
    assert groups(found, "examination") == [["a", "c"], ["b"], ["d"]]


@pytest.mark.parametrize("unknown", [{}, {"patient": None, "laterality": None}, {"patient": "", "laterality": ""}])
def test_without_a_patient_an_image_stands_alone(unknown):
    found = [with_levels({"case": case, **unknown, "examination": own}) for case, own in (("a", None), ("b", None))]
    # an examination of whom? its name says nothing then
    found += [with_levels({"case": case, **unknown, "examination": "S1"}) for case in ("c", "d")]
    for level in ("breast", "examination"):
        assert groups(found, level) == [["a"], ["b"], ["c"], ["d"]]


def test_without_a_laterality_an_image_is_a_breast_alone_in_its_examination():
    found = [with_levels(item(case, laterality=None)) for case in ("a", "b")] + [with_levels(item("c"))]
    assert groups(found, "breast") == [["a"], ["b"], ["c"]]
    assert groups(found, "examination") == [["a", "b", "c"]]


def test_labels_are_numbers_and_the_rest_of_the_item_stays():
    found = {
        pathology: with_levels(item("a", pathology=pathology, density="c", des="a.png"))
        for pathology in ("normal", "benign", "malignant")
    }
    assert [found[pathology]["pathology_index"] for pathology in found] == [0.0, 1.0, 2.0]
    assert [found[pathology]["malignant"] for pathology in found] == [0.0, 0.0, 1.0]
    assert (found["benign"]["density"], found["benign"]["des"]) == ("c", "a.png")
    unknown = with_levels(item("a", pathology=None, malignant=None))
    assert math.isnan(unknown["pathology_index"]) and math.isnan(unknown["malignant"])


def test_lesions_count_as_drawn_on_malignant_images_that_are_used():
    masked = item("a", pathology="malignant", lesion_mask=None, des_lesion_mask="a.png")
    assert lesions_drawn([item("b"), masked])
    assert lesions_drawn([masked], ["des"]) and not lesions_drawn([masked], ["low_energy"])
    assert not lesions_drawn([masked | {"pathology": "benign"}, item("b", pathology="malignant")])


def test_known_and_unknown_collate_in_one_batch():
    items = [with_levels(item("a")), with_levels({"case": "b"})]
    batch = default_collate([{field: each[field] for field in LEVEL_FIELDS} for each in items])
    assert batch["patient"] == ["P1", ""] and batch["laterality"] == ["L", ""]
    assert batch["malignant"].isnan().tolist() == [False, True]


def test_the_official_folder_gives_its_labelled_images_by_breast(official, tmp_path: Path) -> None:
    write_cdd_cesm(official.path, tmp_path / "d.json")
    items = labelled_items(tmp_path / "d.json", "training")
    assert len(groups(items, "examination")) == len({each["patient"] for each in items}) > 1
    # one breast a patient, of two views; two patients have a third image
    assert {len(cases) for cases in groups(items, "breast")} <= {2, 3}
    assert {each["malignant"] for each in items} == {0.0, 1.0}
    assert all(each["malignant"] == (each["pathology"] == "malignant") for each in items)


@pytest.fixture
def listed(tmp_path: Path):
    """Write a datalist of images whose inputs and pathologies are given."""

    def write(*entries: tuple[str, str | None]) -> Path:
        items = []
        for number, (inputs, pathology) in enumerate(entries):
            blank = dict.fromkeys(
                ("laterality", "view", "density", "birads", "low_energy", "des", "lesion_mask", "des_lesion_mask")
            )
            files = {name: f"{number}_{name}.png" for name in inputs.split()}
            for file in files.values():
                Image.fromarray(np.zeros((6, 4), np.uint8)).save(tmp_path / file)
            items.append({"case": f"c{number}", "patient": f"P{number}", "pathology": pathology, **blank, **files})
        ranges = {"low_energy": [0, 255], "des": [0, 255]}
        head = {"name": "few", "pixel_size_mm": None, "intensity_range": ranges}
        path = tmp_path / "few.json"
        path.write_text(json.dumps({**head, "training": [], "validation": items, "test": []}))
        return path

    return write


def test_items_need_a_pathology_and_one_of_the_inputs(listed):
    path = listed(
        ("low_energy", "malignant"),
        ("des", "benign"),
        ("low_energy des", "normal"),
        ("low_energy des", None),
        ("des", "malignant"),
        ("low_energy", "normal"),
    )
    cases = {
        inputs: [each["case"] for each in labelled_items(path, "validation", inputs.split())]
        for inputs in ("low_energy", "des", "low_energy des")
    }
    assert cases == {
        "low_energy": ["c0", "c2", "c5"],
        "des": ["c1", "c2", "c4"],
        "low_energy des": ["c0", "c1", "c2", "c4", "c5"],
    }
    for each in labelled_items(path, "validation"):
        assert set(LEVEL_FIELDS) <= each.keys()
    with pytest.raises(InputError, match=r"few\.json: validation: none of 1 items are malignant"):
        labelled_items(path, "validation", paired=True)


def test_paired_items_have_all_of_the_inputs(listed):
    path = listed(("low_energy", "malignant"), ("low_energy des", "normal"), ("low_energy des", "malignant"))
    assert [each["case"] for each in labelled_items(path, "validation", paired=True)] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("pathologies", "message"),
    [
        (("malignant", "malignant"), "all of 2 items are malignant; expected malignant and other images"),
        (("normal", "benign"), "none of 2 items are malignant; expected malignant and other images"),
    ],
)
def test_a_section_of_one_class_is_refused(listed, pathologies, message):
    path = listed(*(("des", pathology) for pathology in pathologies))
    with pytest.raises(InputError, match=rf"few\.json: validation: {message}"):
        labelled_items(path, "validation")


def test_a_section_without_the_inputs_is_refused(listed):
    path = listed(("des", "malignant"), ("des", "normal"))
    with pytest.raises(InputError, match=r"validation: no item with a pathology has low_energy; expected at least one"):
        labelled_items(path, "validation", ["low_energy"])
    with pytest.raises(InputError, match="training: is empty"):
        labelled_items(path, "training")
