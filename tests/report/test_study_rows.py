from __future__ import annotations

from vdes.report.study_rows import comparison_rows, oracle_rows
from vdes.study.arms import study_arms


def row(arm, statistic, value, metric="auc", reference=None, level="breast"):
    return {
        "level": level,
        "arm": arm,
        "metric": metric,
        "statistic": statistic,
        "value": value,
        "reference": reference,
    }


ROWS = [
    row("des", "value", 0.9),
    row("virtual_des-unet", "value", 0.8),
    row("virtual_des-unet", "difference", -0.1, reference="des"),
    row("virtual_des-unet", "value", 0.2, "ece"),
    row("virtual_des-unet", "difference", 0.01, "ece", "des"),
]
OF_ARM = {"level": "breast", "arm": "virtual_des-unet", "reference": "des"}


def test_value_difference_verdict_and_test_of_an_arm_come_together():
    verdicts = [{**OF_ARM, "metric": "auc", "margin": 0.05, "verdict": "inferior"}]
    tests = [{**OF_ARM, "test": name, "p_value": p, "p_holm": p} for name, p in (("mcnemar", 0.3), ("delong", 0.2))]
    calibration = [{**OF_ARM, "metric": "ece", "margin": 0.04, "verdict": "equivalent"}]
    real, auc, ece = comparison_rows(ROWS, ["level"], verdicts, tests, calibration)
    assert real["difference"] is real["reference"] is real["verdict"] is real["test"] is None
    assert (auc["value"]["value"], auc["difference"]["value"], auc["reference"]) == (0.8, -0.1, "des")
    assert (auc["margin"], auc["verdict"], auc["test"]["p_value"]) == (0.05, "inferior", 0.2)
    assert (ece["margin"], ece["verdict"], ece["test"]) == (0.04, "equivalent", None)


def test_groups_are_told_apart_by_their_keys():
    rows = [{**one, "variable": "density", "group": group} for group in "ab" for one in ROWS[1:3]]
    rows[-1]["value"] = -0.3
    first, second = comparison_rows(rows, ["variable", "group", "level"])
    assert (first["group"], first["difference"]["value"]) == ("a", -0.1)
    assert (second["group"], second["difference"]["value"]) == ("b", -0.3)


def test_an_arm_without_real_des_has_the_ceiling_of_low_energy():
    arms = [arm.record() for arm in study_arms(["unet"])]
    comparisons = comparison_rows([row(arm["arm"], "value", 0.7) for arm in arms], ["level"])
    oracle = [
        {"task": task, "images": images, "auc": auc + 0.1 * (task == "lesions"), "closed_form_auc": auc - 0.1}
        for task in ("lesions", "breasts")
        for images, auc in (("low_energy", 0.7), ("des", 0.8), ("both", 0.85))
    ]
    ceilings = {
        found["arm"]: (found["ceiling"], found["closed_form"]) for found in oracle_rows(oracle, comparisons, arms)
    }
    low = (0.7, 0.7 - 0.1)
    assert ceilings == {
        "des": (0.8, 0.8 - 0.1),
        "low_energy": low,
        "low_energy+des": (0.85, 0.85 - 0.1),
        "virtual_des-unet": low,
        "low_energy+virtual_des-unet": low,
        "low_energy+low_energy": low,
        "low_energy+shuffled_des": low,
    }
    assert oracle_rows(oracle, comparisons[:1], arms)[0]["value"]["value"] == 0.7
    assert len(oracle_rows(oracle, comparisons[:1], arms)) == 1
    assert oracle_rows([], comparisons, arms) == []
