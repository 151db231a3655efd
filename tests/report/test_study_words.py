from __future__ import annotations

import pytest

from vdes.report.study_words import (
    count,
    interval,
    kind,
    metric_label,
    number,
    p_value,
    plain_words,
    question_words,
    verdict_words,
)
from vdes.statistics.non_inferiority import non_inferiority
from vdes.study.arms import study_arms
from vdes.study.verdicts import AT_CHANCE

ARMS = {arm.arm: arm.record() for arm in study_arms(["unet"], retrained=True)}


def test_numbers_have_a_true_minus_and_zero_has_no_sign():
    assert number(-0.12345) == "−0.123"
    assert number(0.05, 2, sign=True) == "+0.05"
    assert number(-0.0002, sign=True) == number(0.0002, sign=True) == "0.000"
    assert number(None) == number(float("nan")) == "–"


def test_an_interval_without_bounds_is_the_value_alone():
    assert interval({"value": 0.8, "low": 0.7, "high": 0.9}) == "0.800 (0.700 to 0.900)"
    assert interval({"value": -0.1, "low": -0.2, "high": 0.1}, 2, sign=True) == "−0.10 (−0.20 to +0.10)"
    assert interval({"value": 0.8, "low": None, "high": None}) == "0.800"
    assert interval(None) == "–"


def test_small_words():
    assert p_value(0.0002) == "< 0.001" and p_value(0.04) == "0.040" and p_value(None) == "–"
    assert count(1, "case") == "1 case" and count(0, "case") == "0 cases"
    assert metric_label("f1") == "F1" and metric_label("calibration_in_the_large") == "calibration in the large"


def test_every_arm_has_its_kind():
    kinds = {name: kind(arm) for name, arm in ARMS.items()}
    assert kinds == {
        "des": "real",
        "low_energy": "real",
        "low_energy+des": "real",
        "virtual_des-unet": "virtual",
        "low_energy+virtual_des-unet": "virtual",
        "virtual_des-unet-retrained": "retrained",
        "low_energy+virtual_des-unet-retrained": "retrained",
        "low_energy+low_energy": "control",
        "low_energy+low_energy-retrained": "control",
        "low_energy+shuffled_des": "control",
    }


@pytest.mark.parametrize(
    ("arm", "reference", "question"),
    [
        ("virtual_des-unet", "des", "Can virtual DES by unet replace real DES?"),
        (
            "low_energy+virtual_des-unet",
            "low_energy+des",
            "Can virtual DES by unet replace real DES when read with low energy?",
        ),
        (
            "virtual_des-unet-retrained",
            "des",
            "Can virtual DES by unet replace real DES, after retraining the classifier?",
        ),
        ("low_energy", "des", "Can “low energy” replace “real DES”?"),
    ],
)
def test_the_question_in_words(arm, reference, question):
    assert question_words(ARMS[arm], ARMS[reference]) == question


@pytest.mark.parametrize(
    ("bounds", "short", "words"),
    [
        (
            (-0.01, -0.04, 0.02),
            "Yes, within the margin",
            "the 95 % interval of the difference excludes a loss of 0.05 (the margin) or more.",
        ),
        ((-0.2, -0.3, -0.1), "No", "Inferior: the 95 % interval of the difference lies entirely beyond"),
        ((-0.02, -0.08, 0.04), "Undecided", "a loss of 0.05 (the margin). About 580 patients would be needed."),
        ((-0.06, -0.1, 0.0), "Undecided", "The estimated difference is beyond the margin."),
        ((-0.06, float("nan"), float("nan")), "Undecided", "too few cases"),
    ],
)
def test_every_verdict_is_explained(bounds, short, words):
    verdict = non_inferiority(*bounds, standard_error=0.0306, patients=70, margin=0.05).verdict
    answer, sentence = verdict_words(verdict, 0.05, 0.95)
    assert answer == short
    assert words in sentence


def test_a_reference_at_chance_is_said_to_have_nothing_to_lose() -> None:
    short, sentence = verdict_words(
        "not assessable: the reference is not shown to be better than chance", margin=0.05, confidence=0.95
    )
    assert short == "Cannot be assessed"
    assert sentence.startswith("Not assessable: the reference is not shown to be better than chance, so")


@pytest.mark.parametrize(
    ("bounds", "found", "not_meant"),
    [
        ((-0.01, -0.04, 0.02), "Any loss is smaller than 0.05", "that nothing is lost"),
        ((-0.2, -0.3, -0.1), "The loss is larger than 0.05", "that the images are of no use"),
        ((-0.02, -0.08, 0.04), "may be smaller or larger than 0.05", "that there is no loss"),
        ((-0.06, -0.1, 0.0), "may be smaller or larger than 0.05", "that there is no loss"),
        ((-0.06, float("nan"), float("nan")), "too few cases", "that there is no loss"),
    ],
)
@pytest.mark.parametrize("phantom", [True, False])
def test_every_verdict_has_three_plain_sentences(bounds, found: str, not_meant: str, phantom: bool) -> None:
    verdict = non_inferiority(*bounds, standard_error=0.0306, patients=70, margin=0.05).verdict
    sentences = plain_words("virtual DES", "real DES", "F1", "breast", 0.05, verdict, phantom)
    assert sentences[0] == (
        "We asked whether malignant and other breasts are told apart with a loss of less than 0.05 in F1 when "
        "“virtual DES” takes the place of “real DES”."
    )
    assert found in sentences[1]
    assert sentences[2].startswith("This does not mean ") and not_meant in sentences[2]
    assert ("real patients" in sentences[2]) == phantom
    for sentence in sentences:
        assert sentence.endswith(".") and sentence.count(". ") == 0


@pytest.mark.parametrize(("verdict", "found"), [(AT_CHANCE.verdict, "guessing"), (None, "There is no answer")])
def test_no_answer_has_three_plain_sentences_too(verdict: str | None, found: str) -> None:
    sentences = plain_words("virtual DES", "real DES", "AUC", "image", 0.1, verdict, False)
    assert found in sentences[1]
    assert sentences[2].startswith("This does not mean ") and sentences[2].endswith("human readers.")
