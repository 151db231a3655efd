from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from vdes.reading.impressions import choice_rows, feature_rows, quality_rows, time_rows
from vdes.reading.question import ReadingQuestion

QUESTION = ReadingQuestion()


def test_choices_of_each_reader_and_of_all():
    rng = np.random.default_rng(0)
    rows = [(f"R{r}", f"C{c}", int(rng.random() < 0.8)) for r in (1, 2, 3) for c in range(40)]
    choices = pd.DataFrame(rows, columns=["reader", "case", "chosen_real"])
    found = {row["reader"]: row for row in choice_rows(choices, QUESTION)}
    own = choices.loc[choices["reader"] == "R1", "chosen_real"]
    assert found["R1"]["p_value"] == pytest.approx(binomtest(int(own.sum()), 40).pvalue)
    assert found["all"]["value"] == pytest.approx(choices["chosen_real"].mean())
    assert found["all"]["p_value"] < 0.05
    # a case that one reader did not judge counts for this reader's row alone
    fewer = {row["reader"]: row for row in choice_rows(choices[1:], QUESTION)}
    assert (fewer["R1"]["cases"], fewer["R2"]["cases"], fewer["all"]["cases"]) == (39, 40, 39)
    assert choice_rows(choices[:0], QUESTION) == []


def test_one_reader_speaks_for_no_others():
    choices = pd.DataFrame({"reader": "R1", "case": list("abcd"), "chosen_real": [1, 1, 0, 1]})
    assert [row["reader"] for row in choice_rows(choices, QUESTION)] == ["R1"]
    assert [row["reader"] for row in choice_rows(choices, ReadingQuestion(readers="fixed"))] == ["R1", "all"]


def test_quality_of_what_was_judged():
    rng = np.random.default_rng(1)
    rows = [
        (f"R{r}", f"C{c}", name, int(rng.integers(low, low + 2)))
        for r in (1, 2)
        for c in range(20)
        for name, low in (("real", 4), ("virtual", 2))
    ]
    quality = pd.DataFrame(rows, columns=["reader", "case", "modality", "quality"])
    found = quality_rows(quality, QUESTION)
    assert [(row["modality"], row["statistic"]) for row in found] == [
        ("real", "value"),
        ("virtual", "value"),
        ("virtual", "difference"),
    ]
    assert found[2]["value"] == pytest.approx(-2, abs=0.3)
    assert found[0]["p_value"] is None
    assert quality_rows(quality[:0], QUESTION) == []
    assert quality_rows(quality[quality["modality"] == "virtual"], QUESTION) == []


def test_features_by_modality_and_lesion_type():
    truth = pd.DataFrame({"case": ["C1", "C2", "C3"], "lesion_type": ["mass", "non-mass", None]})
    readings = pd.DataFrame(
        {
            "case": ["C1", "C2", "C3"] * 4,
            "patient": ["C1", "C2", "C3"] * 4,
            "modality": ["low_energy"] * 3 + ["real"] * 3 + ["virtual"] * 6,
            "missing": [None] * 3 + [0, 0, 0] + [1, 0, 0, 1, 1, 0],
        }
    )
    found = {(row["modality"], row["lesion_type"]): row for row in feature_rows(readings, truth, 100)}
    assert {modality for modality, _ in found} == {"real", "virtual"}
    assert found["virtual", "mass"]["value"] == 1
    assert found["virtual", "non-mass"]["value"] == 0.5
    assert found["virtual", "lesion-free"]["value"] == 0
    assert found["virtual", "all"]["value"] == 0.5
    assert (found["virtual", "all"]["readings"], found["virtual", "all"]["cases"]) == (6, 3)
    assert found["virtual", "mass"]["low"] is None  # one patient


def test_times():
    readings = pd.DataFrame({"modality": ["real"] * 3 + ["virtual"], "seconds": [10, 20, 60, 5]})
    assert time_rows(readings)[0] == {"modality": "real", "median": 20, "lower_quartile": 15, "upper_quartile": 40}
