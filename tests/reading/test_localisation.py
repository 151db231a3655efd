from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vdes.errors import InputError
from vdes.reading.localisation import false_mark_rows, located_readings


def mark(view: str, x: float, y: float) -> dict[str, object]:
    return {"view": view, "x": x, "y": y}


@pytest.fixture()
def mask(tmp_path: Path) -> str:
    image = np.zeros((60, 40), np.uint8)
    image[20:31, 10:16] = 255  # rows 20 to 30, columns 10 to 15
    image[20, 15] = 0
    Image.fromarray(image).save(tmp_path / "mask.png")
    return str(tmp_path / "mask.png")


def hits(marks, lesions, **arguments) -> pd.Series:
    readings = pd.DataFrame({"case": ["C1"], "marks": [marks]})
    truth = pd.DataFrame({"case": ["C1"], "lesions": [lesions]})
    return located_readings(readings, truth, **{"pixel_size_mm": {}, "tolerance_mm": 0.0} | arguments).iloc[0]


def test_a_mark_lies_on_the_mask_or_within_the_tolerance(mask):
    lesion = [{"view": "CC", "box": [10, 20, 15, 30], "mask": mask}]
    sizes = {("C1", "CC"): 0.5}
    on = hits([mark("CC", 12, 25)], lesion, pixel_size_mm=sizes)
    assert on[["lesions", "found", "false_marks", "located"]].tolist() == [1, 1, 0, True]
    beside = hits([mark("CC", 19, 25)], lesion, pixel_size_mm=sizes)
    assert beside[["found", "false_marks", "located"]].tolist() == [0, 1, False]
    assert hits([mark("CC", 19, 25)], lesion, pixel_size_mm=sizes, tolerance_mm=2.0)["located"]  # 4 pixels away
    assert not hits([mark("CC", 19, 25)], lesion, pixel_size_mm=sizes, tolerance_mm=1.5)["located"]
    # the corner is not of the lesion, though in its box
    assert not hits([mark("CC", 15.6, 19.4)], lesion, pixel_size_mm=sizes, tolerance_mm=0)["located"]


def test_two_views_show_one_lesion(mask):
    lesions = [{"view": view, "box": [10, 20, 15, 30], "mask": None} for view in ("CC", "MLO")]
    both = hits([mark("CC", 12, 25), mark("MLO", 12, 25), mark("MLO", 30, 50)], lesions)
    assert both[["lesions", "found", "false_marks"]].tolist() == [1, 1, 1]
    one = hits([mark("CC", 12, 25)], lesions)
    assert one[["lesions", "found", "false_marks"]].tolist() == [1, 1, 0]
    two = hits([mark("CC", 12, 25), mark("CC", 30, 5)], [*lesions, {"view": "CC", "box": [28, 3, 31, 6], "mask": None}])
    assert two[["lesions", "found"]].tolist() == [2, 2]


def test_an_unknown_pixel_size_gives_a_tolerance_of_the_mask(mask):
    lesion = [{"view": "CC", "box": [10, 20, 15, 30], "mask": mask}]
    assert hits([mark("CC", 15.9, 25)], lesion)["located"]  # .6 of 60 rows
    assert not hits([mark("CC", 16.2, 25)], lesion)["located"]


def test_rates_by_modality():
    readings = pd.DataFrame(
        {
            "modality": ["real"] * 4 + ["virtual"] * 4,
            "case": ["C1", "C2", "C3", "C4"] * 2,
            "patient": ["C1", "C2", "C3", "C4"] * 2,
            "lesions": [1, 1, 0, 0] * 2,
            "found": [1, 0, 0, 0, 0, 1, 0, 0],
            "false_marks": [0, 2, 0, 1, 0, 0, 3, 1],
        }
    )
    truth = pd.DataFrame({"case": ["C1", "C2", "C3", "C4"], "malignant": [1, 0, 0, 0]})
    rows = {(row["modality"], row["measure"]): row for row in false_mark_rows(readings, truth, 200)}
    assert rows["real", "malignant lesions found"]["value"] == 1
    assert rows["real", "benign lesions found"]["value"] == 0
    assert rows["real", "false marks"]["value"] == pytest.approx(0.75)
    assert rows["virtual", "false marks without lesion"]["value"] == 2
    assert rows["virtual", "false marks"]["low"] <= 1 <= rows["virtual", "false marks"]["high"]
    assert rows["virtual", "false marks"]["readings"] == 4


def test_bad_input_is_named(tmp_path):
    lesion = [{"view": "CC", "box": [0, 0, 1, 1], "mask": str(tmp_path / "none.png")}]
    with pytest.raises(InputError, match=r"none.png: cannot be read; expected the mask of a lesion"):
        hits([mark("CC", 1, 1)], lesion)
    with pytest.raises(InputError, match="tolerance_mm: -1; expected 0 or more"):
        hits([], [], tolerance_mm=-1)
