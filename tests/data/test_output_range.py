from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdes.data.output_range import output_range
from vdes.errors import InputError


def datalist(file: Path, des: object) -> Path:
    content = {
        "name": "pairs",
        "pixel_size_mm": None,
        "intensity_range": {"low_energy": [0, 4095], "des": des},
        "training": [],
        "validation": [],
        "test": [],
    }
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("name", ["datalist.json", "LIST.JSON"])
def test_a_datalist_states_its_des_range(tmp_path, name):
    assert output_range(datalist(tmp_path / name, [-1, 1]), (0, 255)) == (-1.0, 1.0)


@pytest.mark.parametrize("name", ["image.png", "folder"])
def test_images_without_a_datalist_have_the_range_of_low_energy(tmp_path, name):
    assert output_range(tmp_path / name, [0, 65535]) == (0.0, 65535.0)


def test_a_datalist_without_a_range_is_named(tmp_path):
    file = datalist(tmp_path / "datalist.json", [1, 1])
    with pytest.raises(InputError, match=r"datalist\.json: intensity_range: des: \[1, 1\]; expected two increasing"):
        output_range(file, (0, 255))
