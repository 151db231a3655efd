from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vdes.data.datalist import Datalist
from vdes.errors import InputError


def item(folder: Path, number: int, **changes: Any) -> dict[str, Any]:
    case = f"P{number}_L_CC"
    return {
        "case": case,
        "patient": f"P{number}",
        "laterality": "L",
        "view": "CC",
        "low_energy": str(folder / "images" / f"{case}_le.png"),
        "des": str(folder / "images" / f"{case}_des.png"),
        "lesion_mask": str(folder / "images" / f"{case}_mask.png"),
        "des_lesion_mask": None,
        "pathology": "malignant",
        "density": "b",
        "birads": 5,
    } | changes


@pytest.fixture
def datalist(tmp_path: Path) -> dict[str, Any]:
    """Four items whose images exist; the paths are absolute."""
    (tmp_path / "images").mkdir()
    for number in range(1, 5):
        for kind in ("le", "des", "mask"):
            Image.fromarray(np.zeros((12, 8), np.uint8)).save(tmp_path / "images" / f"P{number}_L_CC_{kind}.png")
    return {
        "name": "tiny",
        "pixel_size_mm": 0.1,
        "intensity_range": {"low_energy": [0, 4095], "des": [-100, 100]},
        "training": [item(tmp_path, 1), item(tmp_path, 2, pathology="benign", lesion_mask=None)],
        "validation": [item(tmp_path, 3, pathology=None)],
        "test": [item(tmp_path, 4, des=None)],
        "provenance": {"seed": 1},
    }


@pytest.fixture
def saved(datalist: dict[str, Any], tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], Any]], Path]:
    """Write the datalist as it is after a change, without any check, and return the file."""

    def save(change: Callable[[dict[str, Any]], Any]) -> Path:
        Datalist.write(tmp_path / "d.json", datalist, overwrite=True)
        content = json.loads((tmp_path / "d.json").read_text())
        change(content)
        (tmp_path / "d.json").write_text(json.dumps(content))
        return tmp_path / "d.json"

    return save


def test_paths_are_relative_in_the_file_and_absolute_when_read(datalist: dict[str, Any], tmp_path: Path) -> None:
    before = copy.deepcopy(datalist)
    Datalist.write(tmp_path / "d.json", datalist)
    assert datalist == before
    assert json.loads((tmp_path / "d.json").read_text())["training"][0]["low_energy"] == "images/P1_L_CC_le.png"
    read = Datalist.read(tmp_path / "d.json").content()
    assert read["training"][0] == item(tmp_path, 1) | {"malignant": 1, "pixel_size_mm": 0.1}
    assert [read[name][0]["malignant"] for name in ("training", "validation", "test")] == [1, None, 1]
    assert read["training"][1]["malignant"] == 0
    assert read["provenance"] == {"seed": 1}


def test_a_datalist_is_found_from_another_folder_and_through_a_link(
    datalist: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Datalist.write(tmp_path / "d.json", datalist)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "deep")
    for path in ("../d.json", "er/link/d.json"):
        assert Datalist.read(path).items("test")[0]["low_energy"] == str(tmp_path / "images" / "P4_L_CC_le.png")


def test_section_has_the_items_with_what_is_required(datalist: dict[str, Any], tmp_path: Path) -> None:
    Datalist.write(tmp_path / "d.json", datalist)
    training = Datalist.read(tmp_path / "d.json").section("training")
    assert [one["case"] for one in training] == ["P1_L_CC", "P2_L_CC"]
    # null paths are left out, other fields stay
    assert "lesion_mask" in training[0] and "lesion_mask" not in training[1] and "des_lesion_mask" not in training[0]
    assert Datalist.read(tmp_path / "d.json").section("validation")[0]["pathology"] is None
    with_mask = Datalist.read(tmp_path / "d.json").section("training", requires=["lesion_mask"])
    assert [one["case"] for one in with_mask] == ["P1_L_CC"]
    assert len(Datalist.read(tmp_path / "d.json").section("test", requires=["low_energy"])) == 1
    assert len(Datalist.read(tmp_path / "d.json").section("training", requires=["malignant"])) == 2


def test_section_without_what_is_required_is_an_error(saved: Any) -> None:
    path = saved(lambda content: content.update(validation=[]))
    with pytest.raises(InputError, match="validation: is empty"):
        Datalist.read(path).section("validation")
    with pytest.raises(InputError, match="test: no item has 'des'; expected items with low_energy, des"):
        Datalist.read(path).section("test")
    with pytest.raises(InputError, match="no item has 'lesion_masks'"):
        Datalist.read(path).section("training", requires=["lesion_masks"])
    with pytest.raises(InputError, match="no section 'train'; expected one of training, validation, test"):
        Datalist.read(path).section("train")
    path = saved(lambda content: content["training"][0].update(density=None))
    with pytest.raises(InputError, match="training: no item has all of lesion_mask, density"):
        Datalist.read(path).section("training", requires=["lesion_mask", "density"])


def test_section_finds_truncated_images_and_masks_of_another_size(saved: Any, tmp_path: Path) -> None:
    path = saved(lambda content: None)
    mask = tmp_path / "images" / "P1_L_CC_mask.png"
    Image.fromarray(np.zeros((8, 12), np.uint8)).save(mask)
    with pytest.raises(
        InputError, match=r"training \(P1_L_CC\): lesion_mask: .*_mask\.png has 12 x 8 pixels; expected 8 x 12 as in"
    ):
        Datalist.read(path).section("training")
    mask.write_bytes(mask.read_bytes()[:45])
    with pytest.raises(InputError, match=r"training \(P1_L_CC\): lesion_mask: .*_mask\.png: unreadable or truncated"):
        Datalist.read(path).section("training")


def test_head_is_read_on_its_own(saved: Any, tmp_path: Path) -> None:
    path = saved(lambda content: None)
    assert Datalist.read(path).intensity_range("low_energy") == (0.0, 4095.0)
    assert Datalist.read(path).intensity_range("des") == (-100.0, 100.0)
    with pytest.raises(InputError, match="no modality 'virtual_des'"):
        Datalist.read(path).intensity_range("virtual_des")


@pytest.mark.parametrize(("stated", "expected"), [({}, False), ({"aligned": False}, False), ({"aligned": True}, True)])
def test_pairs_are_aligned_where_the_datalist_says_so(saved: Any, stated: dict[str, bool], expected: bool) -> None:
    assert Datalist.read(saved(lambda content: content.update(stated))).aligned is expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("name"), "name: None; expected the name"),
        (lambda d: d.pop("pixel_size_mm"), "pixel_size_mm: is missing"),
        (lambda d: d.update(pixel_size_mm=0), "pixel_size_mm: 0; expected a number above 0"),
        (lambda d: d.update(pixel_size_mm="0.1"), "pixel_size_mm: '0.1'; expected"),
        (lambda d: d.update(aligned="yes"), "aligned: 'yes'; expected true or false"),
        (lambda d: d.pop("intensity_range"), "intensity_range: low_energy: None; expected two increasing numbers"),
        (lambda d: d["intensity_range"].pop("des"), "intensity_range: des: None; expected two increasing numbers"),
        (lambda d: d["intensity_range"].update(des=[5, 5]), r"intensity_range: des: \[5, 5\]; expected two increasing"),
        (lambda d: d["intensity_range"].update(des=[0, "9"]), "intensity_range: des: .*expected two increasing"),
        (lambda d: d["intensity_range"].update(des=[0, 1, 2]), "intensity_range: des: .*expected two increasing"),
        (lambda d: d.pop("test"), r"test: expected a list of items; write \[\]"),
        (lambda d: d.update(test={}), "test: expected a list of items"),
        (lambda d: d["test"].append("P9"), r"test\[1\]: 'P9'; expected an object"),
        (lambda d: d["training"][1].pop("view"), r"training\[1\] \(P2_L_CC\): view: is missing; write null"),
        (lambda d: d["training"][1].update(case=None), r"training\[1\] \(None\): case: None; expected a text"),
        (lambda d: d["training"][1].update(patient=7), r"training\[1\] \(P2_L_CC\): patient: 7; expected a text"),
        (
            lambda d: d["test"][0].update(pathology="Malignant"),
            "pathology: 'Malignant'; expected one of normal, benign",
        ),
        (lambda d: d["test"][0].update(laterality="left"), "laterality: 'left'; expected one of L, R"),
        (lambda d: d["test"][0].update(view="ML"), "view: 'ML'; expected one of CC, MLO"),
        (lambda d: d["test"][0].update(density="C"), "density: 'C'; expected one of a, b, c, d"),
        (lambda d: d["test"][0].update(birads=7), "birads: 7; expected one of 0, 1"),
        (lambda d: d["test"][0].update(birads=True), "birads: True; expected one of 0, 1"),
        (lambda d: d["test"][0].update(low_energy=3), "low_energy: 3; expected a path"),
        (lambda d: d["test"][0].update(low_energy=None), "low_energy: is null, and so is des"),
        (lambda d: d["test"][0].update(malignant=0), "malignant: 0 contradicts pathology 'malignant'"),
        (
            lambda d: d["test"][0].update(case="P1_L_CC"),
            r"test\[0\] \(P1_L_CC\): case: 'P1_L_CC' is also training\[0\]; expected a unique id",
        ),
        (
            lambda d: d["test"][0].update(patient="P2"),
            r"test\[0\] \(P4_L_CC\): patient: 'P2' is also in training; expected each patient in one split",
        ),
        (
            lambda d: d["test"][0].update(low_energy="images/gone.png"),
            r"test\[0\] \(P4_L_CC\): low_energy: no such file 'images/gone\.png'; expected it relative to the datalist",
        ),
        (
            lambda d: d["test"][0].update(low_energy="images/P1_L_CC_le.png"),
            r"test\[0\] .*low_energy: 'images/P1_L_CC_le\.png' is listed by training\[0\] \(P1_L_CC\) already",
        ),
    ],
)
def test_each_broken_rule_is_one_line_that_says_where(saved: Any, change: Any, message: str) -> None:
    with pytest.raises(InputError, match=r"d\.json: .*" + message) as caught:
        Datalist.read(saved(change)).content()
    assert "\n" not in str(caught.value)


def test_datalist_whose_images_moved_names_the_first_missing_file(saved: Any, tmp_path: Path) -> None:
    path = saved(lambda content: None)
    (tmp_path / "images").rename(tmp_path / "pictures")
    with pytest.raises(InputError, match=r"d\.json: training\[0\] \(P1_L_CC\): low_energy: no such file"):
        Datalist.read(path).content()


def test_files_that_are_no_datalist_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    with pytest.raises(InputError, match=r"d\.json: cannot be read \(No such file"):
        Datalist.read(path).content()
    path.write_text('{"name": "a",\n oops}')
    with pytest.raises(InputError, match=r"d\.json: line 2, column 2: not valid JSON"):
        Datalist.read(path).content()
    path.write_text("[]")
    with pytest.raises(InputError, match="holds a JSON list; expected an object"):
        Datalist.read(path).content()
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match="not a text file in UTF-8"):
        Datalist.read(path).content()


def test_writing_refuses_what_reading_would(datalist: dict[str, Any], tmp_path: Path) -> None:
    datalist["test"][0]["patient"] = "P1"
    with pytest.raises(InputError, match="patient: 'P1' is also in training"):
        Datalist.write(tmp_path / "d.json", datalist)
    assert not (tmp_path / "d.json").exists()


def test_existing_file_is_kept_without_overwrite(datalist: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text("mine")
    with pytest.raises(InputError, match=r"d\.json: exists already; pass --overwrite"):
        Datalist.write(tmp_path / "d.json", datalist)
    assert (tmp_path / "d.json").read_text() == "mine"
    Datalist.write(tmp_path / "d.json", datalist, overwrite=True)
    assert Datalist.read(tmp_path / "d.json").name == "tiny"


def test_an_items_pixel_size_is_its_own_or_that_of_the_datalist(saved: Any) -> None:
    def change(listed: dict[str, Any]) -> None:
        listed["pixel_size_mm"] = 0.4
        listed["training"][0]["pixel_size_mm"] = 0.1

    items = Datalist.read(saved(change)).content()
    sizes = [item["pixel_size_mm"] for name in ("training", "validation", "test") for item in items[name]]
    assert sizes[0] == 0.1 and set(sizes[1:]) == {0.4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["test"][0].update(patient="p2"), r"test\[0\] .*patient: 'p2' is also in training, as 'P2'"),
        (lambda d: d["test"][0].update(patient="\uff302"), r"patient: .* is also in training, as 'P2'"),
        (lambda d: d["test"][0].update(patient="P2 "), "patient: 'P2 '; expected a text that can name a file"),
        (lambda d: d["test"][0].update(patient="P\u200b2"), r"patient: 'P\\u200b2'; expected no invisible character"),
        (
            lambda d: d["test"][0].update(case="p1_l_cc"),
            r"test\[0\] \(p1_l_cc\): case: 'p1_l_cc' is also training\[0\], as 'P1_L_CC'; expected a unique id",
        ),
        (
            lambda d: d["test"][0].update(case="a/../../x"),
            r"test\[0\] .*: case: 'a/\.\./\.\./x'; expected a text that can",
        ),
        (lambda d: d["test"][0].update(case="\x1b[2J"), r"test\[0\] \('\\x1b\[2J'\): case: '\\x1b\[2J'; expected"),
        (
            lambda d: d["test"][0].update(pixel_size_mm=float("nan")),
            r"test\[0\] \('P4_L_CC'\): pixel_size_mm: NaN; exp",
        ),
        (
            lambda d: d["test"][0].update(pixel_size_mm=-1),
            r"test\[0\] \(P4_L_CC\): pixel_size_mm: -1; expected a number",
        ),
        (
            lambda d: d["intensity_range"].update(des=[0, 10**400]),
            r"intensity_range: des\[1\]: an integer of 401 digits",
        ),
        (lambda d: d["test"][0].update(findings=[[[]] * 3] * 3), None),
    ],
)
def test_ids_and_numbers_that_fool_a_reader_are_refused(saved: Any, change: Any, message: str | None) -> None:
    path = saved(change)
    if message is None:
        assert Datalist.read(path).items()
        return
    with pytest.raises(InputError, match=r"d\.json: .*" + message) as caught:
        Datalist.read(path)
    assert str(caught.value).isprintable()


def test_patients_that_are_spelled_alike_may_share_a_split(saved: Any) -> None:
    path = saved(lambda d: d["training"][1].update(patient="p1"))
    assert Datalist.read(path).patients == {"P1": "training", "p1": "training", "P3": "validation", "P4": "test"}


def test_a_section_that_is_not_asked_for_is_not_looked_for(saved: Any, tmp_path: Path) -> None:
    listed = Datalist.read(saved(lambda d: None))
    (tmp_path / "images" / "P4_L_CC_le.png").unlink()
    assert len(listed.items("training", "validation")) == 3
    assert listed.patients["P4"] == "test" and listed.name == "tiny" and listed.split is None
    with pytest.raises(InputError, match=r"test\[0\] \(P4_L_CC\): low_energy: no such file"):
        listed.items()


def test_what_it_hands_out_may_be_changed(saved: Any) -> None:
    listed = Datalist.read(saved(lambda d: None))
    listed.items("training")[0]["case"] = listed.content()["training"][0]["case"] = "other"
    listed.content()["training"].clear()
    assert [item["case"] for item in listed.items("training")] == ["P1_L_CC", "P2_L_CC"]
    with pytest.raises(AttributeError):
        listed.path = Path("other")  # type: ignore[misc]


def test_what_is_written_is_what_is_read(datalist: dict[str, Any], tmp_path: Path) -> None:
    written = Datalist.write(tmp_path / "d.json", datalist)
    read = Datalist.of(tmp_path / "d.json")
    assert Datalist.of(read) is read and str(read) == str(tmp_path / "d.json")
    assert written.content() == read.content() and written.fields == read.fields
    assert read.sha256 == written.sha256 == hashlib.sha256((tmp_path / "d.json").read_bytes()).hexdigest()
    again = Datalist.made(tmp_path / "d.json", read.content()).fields["training"][0]
    assert {name: again[name] for name in read.fields["training"][0]} == read.fields["training"][0]
