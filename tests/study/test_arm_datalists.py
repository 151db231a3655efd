from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.inference_items import inference_items
from vdes.errors import InputError
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.study.arm_datalists import write_low_energy_datalist, write_real_datalist, write_shuffled_datalist


@pytest.fixture
def two_test_patients(small_datalist: Path, tmp_path: Path) -> Path:
    """The small datalist with P1 moved from training to test."""
    datalist = Datalist.read(small_datalist).content()
    datalist["test"] += [item for item in datalist["training"] if item["patient"] == "P1"]
    datalist["training"] = [item for item in datalist["training"] if item["patient"] != "P1"]
    datalist["validation"] = []
    Datalist.write(tmp_path / "datalist.json", datalist)
    return tmp_path / "datalist.json"


def items(file: Path) -> dict[str, dict[str, Any]]:
    datalist = Datalist.read(file).content()
    return {item["case"]: {**item, "section": section} for section in SECTIONS for item in datalist[section]}


def test_pairs_alone_are_in_a_study(small_datalist: Path, tmp_path: Path) -> None:
    datalist = Datalist.read(small_datalist).content()
    datalist["training"][0]["des"] = None
    Datalist.write(tmp_path / "source.json", datalist)
    write_real_datalist(tmp_path / "source.json", tmp_path / "real.json")
    assert items(small_datalist).keys() - items(tmp_path / "real.json").keys() == {datalist["training"][0]["case"]}

    for item in datalist["test"]:
        item["low_energy"] = None
    Datalist.write(tmp_path / "source.json", datalist, overwrite=True)
    with pytest.raises(InputError, match=r"source.json: test: no item has both"):
        write_real_datalist(tmp_path / "source.json", tmp_path / "none.json")


def test_low_energy_stands_in_the_place_of_des_with_its_range_and_mask(small_datalist: Path, tmp_path: Path) -> None:
    content = json.loads(small_datalist.read_text())
    content["intensity_range"]["des"] = [0, 100]
    source = small_datalist.parent / "ranged.json"
    source.write_text(json.dumps(content))
    write_low_energy_datalist(source, tmp_path / "twice.json")
    assert json.loads((tmp_path / "twice.json").read_text())["intensity_range"]["des"] == [0, 255]
    for case, item in items(tmp_path / "twice.json").items():
        assert item["des"] == item["low_energy"] == items(small_datalist)[case]["low_energy"]


def test_inference_takes_low_energy_twice_in_dicom_and_no_other_image_for_des(tmp_path: Path) -> None:
    settings = Settings(4, 0, 64, format="dicom", test_fraction=0.5, validation_fraction=0.25)
    source = generate(tmp_path / "set", settings)
    write_low_energy_datalist(source, tmp_path / "twice.json")
    found = inference_items(tmp_path / "twice.json", ("low_energy", "des"))
    assert len(found) == 16
    assert all(item["des"] == item["low_energy"] for item in found)
    datalist = Datalist.read(source).content()
    for item in datalist["test"]:
        item["low_energy"], item["des"] = item["des"], item["low_energy"]
    Datalist.write(tmp_path / "swapped.json", datalist)
    with pytest.raises(InputError, match="expected a"):
        inference_items(tmp_path / "swapped.json", ("low_energy", "des"))


def test_each_case_has_the_des_of_another_patient_of_its_section_and_view(
    two_test_patients: Path, tmp_path: Path
) -> None:
    write_shuffled_datalist(two_test_patients, tmp_path / "shuffled.json", seed=3)
    real, shuffled = items(two_test_patients), items(tmp_path / "shuffled.json")
    owner = {item["des"]: item for item in real.values()}
    for case, item in shuffled.items():
        other = owner[item["des"]]
        assert other["patient"] != item["patient"]
        for same in ("section", "view", "laterality"):
            assert other[same] == item[same]
        assert item["low_energy"] == real[case]["low_energy"]
        assert item["pathology"] == real[case]["pathology"]
    assert sorted(item["des"] for item in shuffled.values()) == sorted(owner)
    write_shuffled_datalist(two_test_patients, tmp_path / "again.json", seed=3)
    assert items(tmp_path / "again.json") == shuffled


def test_a_lone_patient_has_nobody_to_swap_with(small_datalist: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"validation: L CC: 1 images of 1 patients"):
        write_shuffled_datalist(small_datalist, tmp_path / "shuffled.json")
    assert not (tmp_path / "shuffled.json").exists()
