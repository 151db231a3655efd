from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, wilcoxon

from vdes.experiments.ablation_figure import ablation_figure
from vdes.experiments.ablation_summary import OF_CASES, Tables, ablation_summary

PATIENTS = 20


def tables(gain: float, seeds: int = 2) -> Tables:
    """Return the tables of a variant that is better by ``gain`` in all metrics of its cases and in contrast."""
    rng = np.random.default_rng(0)
    cases, lesions = [], []
    for seed in range(seeds):
        noise = 0.01 * (2 * seed - 1)  # averages out
        rng = np.random.default_rng(1)
        for i in range(PATIENTS):
            named = {"case": f"c{i}", "patient": f"p{i // 2}"}
            for method, better in (("virtual_des", gain + noise), ("low_energy", -0.3)):
                value = rng.normal(0.6, 0.1) + better + 0.01 * (i % 3) * gain
                cases.append({**named, "method": method, **dict.fromkeys(OF_CASES, value)})
            for number, place in enumerate(("lesion", "lesion", "elsewhere")):
                real = rng.normal(1, 0.4)
                shown = {
                    "real_des": real,
                    "virtual_des": real + gain + noise + rng.normal(0, 0.3),
                    "low_energy": rng.normal(1, 0.4),
                }
                lesions.append({**named, "place": place, "number": number, "pixels": 9, **shown})
    return pd.DataFrame(cases), pd.DataFrame(lesions)


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return ablation_summary({"base": tables(0.0), "better": tables(0.2), "worse": tables(-0.1)}, "base", 300)


def of(rows: list[dict], variant: str, metric: str) -> dict:
    (row,) = [row for row in rows if (row["variant"], row["metric"]) == (variant, metric)]
    return row


def test_differences_are_paired_with_the_base_over_the_mean_of_the_seeds(rows):
    for metric in OF_CASES:
        base, better = of(rows, "base", metric), of(rows, "better", metric)
        assert (better["cases"], better["patients"]) == (PATIENTS, PATIENTS // 2)
        assert better["difference"] == pytest.approx(better["value"] - base["value"])
        assert 0.19 < better["difference_low"] < better["difference"] < better["difference_high"] < 0.21
        assert "difference" not in base
        assert "difference" not in of(rows, "low energy itself", metric)


def test_p_values_are_those_of_patients_with_holms_correction(rows):
    def mean(gain: float) -> pd.Series:
        cases = tables(gain)[0]
        return cases[cases["method"] == "virtual_des"].groupby("patient")["psnr_breast"].mean()

    raw = [wilcoxon(mean(gain) - mean(0.0)).pvalue for gain in (0.2, -0.1)]
    assert of(rows, "better", "psnr_breast")["p_holm"] == pytest.approx(min(1, 2 * min(raw)))
    assert "p_holm" not in of(rows, "better", "follows")


def test_lesions_are_compared_with_those_of_the_base(rows):
    lesions = tables(0.2)[1].groupby(["case", "number", "place"])[["virtual_des", "real_des"]].mean().reset_index()
    lesions = lesions[lesions["place"] == "lesion"]
    better = of(rows, "better", "follows")
    assert better["value"] == pytest.approx(spearmanr(lesions["virtual_des"], lesions["real_des"]).statistic)
    assert better["cases"] == 2 * PATIENTS
    assert of(rows, "better", "lesion_contrast")["difference"] == pytest.approx(0.2)
    assert of(rows, "worse", "lesion_contrast")["difference"] == pytest.approx(-0.1)
    assert of(rows, "better", "false_enhancement_elsewhere")["difference"] > 0
    assert abs(of(rows, "low energy itself", "follows")["value"]) < 0.5


def test_the_base_alone_has_no_differences_and_nothing_that_is_no_json():
    alone = ablation_summary({"base": tables(0.0)}, "base", 50)
    assert not any("difference" in row for row in alone)
    json.dumps(alone, allow_nan=False)


def test_the_figure_has_a_point_for_each_variant(rows):
    axis = ablation_figure(rows).axes[0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "base",
        "better",
        "worse",
        "low energy itself",
    ]
    points = [container.lines[0].get_xydata()[0].tolist() for container in axis.containers]
    assert points[1] == [of(rows, "better", name)["value"] for name in ("correlation_breast", "lesion_contrast")]
