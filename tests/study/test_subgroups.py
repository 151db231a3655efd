from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from vdes.study.arms import study_arms
from vdes.study.question import Question
from vdes.study.study_tables import at_level
from vdes.study.subgroups import FEWEST_CASES, subgroups


def case(name: str, side: float, **fields: object) -> dict:
    square = [[[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]]] if side else []
    return {"case": name, "outline": square, "pixel_size_mm": 0.5, **fields}


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
            "centre": "north" if int(row.patient[1:]) < 15 else "south",
        }
        for row in images.itertuples()
    ]
    everything = subgroups(cases, arms, predictions, Question("virtual_des-unet"), ["centre"])
    rows = pd.DataFrame(everything["subgroups"])
    assert set(rows["arm"]) == {"des", "virtual_des-unet", "low_energy+des", "low_energy+virtual_des-unet"}
    assert set(zip(rows["variable"], rows["group"], strict=True)) == {
        ("view", "CC"),
        ("view", "MLO"),
        ("density", "b"),
        ("lesion_size", "10 to 20 mm"),
        ("centre", "north"),
        ("centre", "south"),
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
    assert everything["small_subgroups"] == [{"variable": "birads", "group": "5", "cases": 2, "patients": 2}]
    # the question's metric is shown in every group of both classes
    of_centres = found.loc[("centre", "south", "virtual_des-unet", "f1", "difference")]
    assert of_centres["low"] <= of_centres["value"] <= of_centres["high"]
    assert of_centres["warning"] == "fewer than 20 patients: the interval is too narrow"
    assert pd.isna(found.loc[("view", "CC", "virtual_des-unet", "f1", "difference"), "warning"])


def test_interactions_are_tested_by_variable_with_holm_s_correction(
    drawn_predictions: Callable[..., pd.DataFrame],
) -> None:
    arms = study_arms(["unet"])
    predictions = {arm.arm: drawn_predictions(3.0, seed, 60) for seed, arm in enumerate(arms)}
    # in the south the virtual arm knows nothing
    virtual = predictions["virtual_des-unet"]
    south = virtual["patient"].str[1:].astype(int) >= 30
    virtual.loc[south, "probability"] = 0.1
    virtual.loc[south, "prediction"] = 0
    cases = [
        case(row.case, 0, view=row.case.rpartition("_")[2], centre="south" if int(row.patient[1:]) >= 30 else "north")
        for row in at_level(predictions["des"], "image").itertuples()
    ]
    everything = subgroups(cases, arms, predictions, Question("virtual_des-unet"), ["centre"])
    rows = pd.DataFrame(everything["interactions"]).set_index(["variable", "arm", "metric"])
    assert set(rows.index.get_level_values("metric")) == {"f1", "sensitivity", "specificity", "auc"}
    found = rows.loc[("centre", "virtual_des-unet", "f1")]
    assert found["p_holm"] < 0.001 and found["groups"] == 2
    view = rows.loc[("view", "virtual_des-unet", "f1")]
    assert view["p_holm"] == pytest.approx(max(view["p_value"], 2 * found["p_value"]))
    assert rows.loc[("view", "virtual_des-unet", "auc"), "p_value"] > 0.001


def test_a_group_with_few_cases_of_a_class_has_a_warning(drawn_predictions: Callable[..., pd.DataFrame]) -> None:
    arms = study_arms(["unet"])
    predictions = {arm.arm: drawn_predictions(2.0, seed, 60) for seed, arm in enumerate(arms)}
    images = at_level(predictions["des"], "image")
    malignant = set(images.loc[images["malignant"] == 1, "case"].iloc[2:])
    cases = [case(name, 0, view="CC" if name not in malignant else "MLO") for name in images["case"]]
    rows = subgroups(cases, arms, predictions, Question("virtual_des-unet"))["subgroups"]
    assert {(row["group"], row["warning"]) for row in rows} == {("CC", "only 2 malignant cases"), ("MLO", None)}
