from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from vdes.study.arms import study_arms
from vdes.study.question import Question
from vdes.study.study_tables import at_level
from vdes.study.subgroups import FEWEST_CASES, lesion_sizes, subgroups


def case(name: str, side: float, **fields: object) -> dict:
    square = [[[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]]] if side else []
    return {"case": name, "outline": square, "pixel_size_mm": 0.5, **fields}


def test_a_lesion_s_size_is_the_diameter_of_a_circle_of_its_area() -> None:
    # a square of side s has the area of a circle of diameter 2 s / sqrt(pi)
    sides_mm = {"a": 8.8, "b": 8.9, "c": 17.7, "d": 17.8}
    assert 2 * sides_mm["a"] / np.sqrt(np.pi) < 10 < 2 * sides_mm["b"] / np.sqrt(np.pi)
    cases = [case(name, side / 0.5) for name, side in sides_mm.items()] + [case("none", 0)]
    assert lesion_sizes(cases) == {
        "a": "below 10 mm",
        "b": "10 to 20 mm",
        "c": "10 to 20 mm",
        "d": "20 mm and more",
        "none": None,
    }


def test_without_a_pixel_size_the_sizes_are_thirds_of_the_data() -> None:
    cases = [{**case(f"c{side}", side), "pixel_size_mm": None} for side in (0, 1, 2, 3, 4, 5, 6)]
    assert list(lesion_sizes(cases).values()) == [
        None,
        *["smallest third"] * 2,
        *["middle third"] * 2,
        *["largest third"] * 2,
    ]
    assert lesion_sizes([{**case("a", 0), "pixel_size_mm": None}]) == {"a": None}


def test_a_subgroup_s_metrics_are_those_of_its_cases(drawn_predictions: Callable[..., pd.DataFrame]) -> None:
    arms = study_arms(["unet"])
    predictions = {arm.arm: drawn_predictions(1.0, seed) for seed, arm in enumerate(arms)}
    images = at_level(predictions["des"], "image")
    cases = [
        {
            **case(row.case, 20 if row.malignant else 0),
            "view": row.case.rpartition("_")[2],
            "density": "b" if row.Index % 3 else None,
            "birads": 5 if row.case in ("P0_L_CC", "P2_L_CC") else None,
        }
        for row in images.itertuples()
    ]
    rows = pd.DataFrame(subgroups(cases, arms, predictions, Question("virtual_des-unet")))
    assert set(rows["arm"]) == {"des", "virtual_des-unet", "low_energy+des", "low_energy+virtual_des-unet"}
    assert set(zip(rows["variable"], rows["group"], strict=True)) == {
        ("view", "CC"),
        ("view", "MLO"),
        ("density", "b"),
        ("lesion_size", "10 to 20 mm"),
    }
    found = rows.set_index(["variable", "group", "arm", "metric", "statistic"])
    virtual = at_level(predictions["virtual_des-unet"], "image")
    malignant = virtual[(virtual["malignant"] == 1) & virtual["case"].str.endswith("_CC")]
    row = found.loc[("view", "CC", "virtual_des-unet", "sensitivity", "value")]
    assert row["value"] == pytest.approx(malignant["prediction"].mean())
    assert row["cases"] == 60
    # all lesions here are malignant: no specificity, no ROC
    of_lesions = rows[rows["variable"] == "lesion_size"]
    assert set(of_lesions["metric"]) == {"sensitivity"}
    assert (rows["cases"] >= FEWEST_CASES).all()
