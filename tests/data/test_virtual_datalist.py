from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vdes.cli import main
from vdes.data.datalist import Datalist
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.errors import InputError


def save(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((6, 4), np.uint8)).save(path)
    return str(path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three cases; the last has no low-energy image."""
    items: list[dict[str, Any]] = []
    for number in range(3):
        item = {"case": f"case{number}", "patient": f"P{number}", "laterality": "L", "view": "CC"}
        item |= {"pathology": "malignant", "density": None, "birads": None, "des_lesion_mask": None}
        item |= {
            "low_energy": save(tmp_path / "le" / f"P{number}_LE.png"),
            "des": save(tmp_path / "des" / f"{number}.png"),
        }
        item["lesion_mask"] = save(tmp_path / "mask" / f"{number}.png")
        items.append(item)
    items[2] |= {"low_energy": None, "lesion_mask": None}
    head = {"name": "toy", "pixel_size_mm": 0.5, "intensity_range": {"low_energy": [0, 255], "des": [0, 255]}}
    Datalist.write(tmp_path / "d.json", {**head, "training": items[:1], "validation": [], "test": items[1:]})
    for number in range(2):
        save(tmp_path / "virtual" / f"P{number}_LE.png")
    return tmp_path / "d.json"


def test_des_and_its_mask_are_those_of_the_virtual_image(source: Path, tmp_path: Path) -> None:
    write_virtual_datalist(source, tmp_path / "virtual", tmp_path / "v.json")
    virtual, real = Datalist.read(tmp_path / "v.json").content(), Datalist.read(source).content()
    (item,) = virtual["test"]
    assert item["des"] == str(tmp_path / "virtual" / "P1_LE.png")
    assert item["des_lesion_mask"] == item["lesion_mask"] == real["test"][0]["lesion_mask"]
    changed = {"des", "des_lesion_mask"}
    assert {key: value for key, value in item.items() if key not in changed} == {
        key: value for key, value in real["test"][0].items() if key not in changed
    }
    assert [case["case"] for case in virtual["training"]] == ["case0"]


def test_the_range_of_des_is_that_of_the_written_files(source: Path, tmp_path: Path) -> None:
    write_virtual_datalist(source, tmp_path / "virtual", tmp_path / "v.json")
    assert Datalist.read(tmp_path / "v.json").intensity_range("des") == (0, 65535)
    assert Datalist.read(tmp_path / "v.json").intensity_range("low_energy") == (0, 255)
    assert Datalist.read(tmp_path / "v.json").aligned and "virtual DES" in Datalist.read(tmp_path / "v.json").name


def test_images_of_files_with_equal_names_are_found_by_their_case(source: Path, tmp_path: Path) -> None:
    content = Datalist.read(source).content()
    for item in (content["training"][0], content["test"][0]):
        item["low_energy"] = save(tmp_path / item["patient"] / "L_CC.png")
        save(tmp_path / "virtual" / f"{item['case']}.png")
    Datalist.write(tmp_path / "equal.json", content)
    write_virtual_datalist(tmp_path / "equal.json", tmp_path / "virtual", tmp_path / "v.json")
    assert [Path(item["des"]).name for item in Datalist.read(tmp_path / "v.json").items()] == ["case0.png", "case1.png"]


def test_a_missing_image_is_named_with_its_case(source: Path, tmp_path: Path) -> None:
    (tmp_path / "virtual" / "P1_LE.png").unlink()
    with pytest.raises(InputError, match=r"P1_LE\.png: no such file; expected the virtual DES image of case case1"):
        write_virtual_datalist(source, tmp_path / "virtual", tmp_path / "v.json")
    assert not (tmp_path / "v.json").exists()


def test_the_command_says_what_it_wrote_and_replaces_nothing(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["datalist", "virtual", str(source), str(tmp_path / "virtual"), "--output", str(tmp_path / "v.json")]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith(f"wrote {tmp_path / 'v.json'}\n")
    assert json.loads((tmp_path / "v.json").read_text())["test"][0]["des"] == "virtual/P1_LE.png"
    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err
