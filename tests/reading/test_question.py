from __future__ import annotations

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.reading.question import ReadingQuestion, planned_question, reading_verdict
from vdes.statistics.mrmc.obuchowski_rockette import Components, Estimate
from vdes.statistics.mrmc.sample_size import reader_study_power

PILOT = Components(8e-4, 3.5e-4, 3.4e-4, 2.4e-4, 1.5e-3, 2e-4)
GOOD = Estimate(0.9, 0.85, 0.95, 0.025, 12, 0.0)


def estimate(value: float, reach: float) -> Estimate:
    return Estimate(value, value - reach, value + reach, reach / 2, 10, 0.5)


@pytest.mark.parametrize(
    ("found", "reference", "verdict"),
    [
        (estimate(0.0, 0.03), GOOD, "non-inferior"),
        (estimate(-0.1, 0.03), GOOD, "inferior"),
        (estimate(-0.06, 0.03), GOOD, "inconclusive: the estimated difference is beyond the margin"),
        (estimate(0.0, 0.03), Estimate(0.6, 0.48, 0.72, 0.05, 9, 0.1), "not assessable: the reference is not shown"),
        (estimate(-0.1, 0.03), Estimate(0.6, 0.48, 0.72, 0.05, 9, 0.1), "inferior"),
        (Estimate(0.0, np.nan, np.nan, 0.0, 9, np.nan), GOOD, "inconclusive: the interval is undefined"),
    ],
)
def test_the_words_are_those_of_the_study(found, reference, verdict):
    judged = reading_verdict(ReadingQuestion(), found, reference, PILOT, 5, 100)
    assert judged.verdict.startswith(verdict)
    assert judged.cases_needed is None


def test_an_open_answer_says_how_many_patients_the_same_readers_need():
    question = ReadingQuestion()
    judged = reading_verdict(question, estimate(-0.005, 0.06), GOOD, PILOT, 6, 100)
    assert judged.verdict == f"inconclusive: about {judged.cases_needed} patients would be needed"
    assert judged.cases_needed is not None
    enough = reader_study_power(PILOT, 100, 6, judged.cases_needed, -0.005, 0.05).power
    assert 0.8 <= enough < 0.83


def test_readers_who_disagree_about_the_modality_are_not_made_up_for_by_patients():
    stubborn = Components(8e-4, 3.5e-4, 3.4e-4, 2.4e-4, 1.5e-3, 5e-3)
    judged = reading_verdict(ReadingQuestion(), estimate(-0.01, 0.1), GOOD, stubborn, 3, 100)
    assert judged == ("inconclusive: more than 3 readers would be needed", None)


def test_what_lies_at_the_margin_is_settled_by_nobody():
    judged = reading_verdict(ReadingQuestion(), estimate(-0.05 + 1e-12, 0.1), GOOD, PILOT, 5, 100)
    assert judged == ("inconclusive: the estimated difference is at the margin", None)


def test_the_plan_has_the_question():
    assert planned_question({"question": {"margin": 0.03, "readers": "fixed"}}).margin == 0.03
    for plan, message in (
        ({}, "question: missing"),
        ({"question": {"level": "breast"}}, "question: level: is not known here"),
        ({"question": {"metric": "f1"}}, "metric: 'f1'; expected one of auc"),
        ({"question": {"margin": 0}}, r"margin: 0; expected a number in \(0, 1\)"),
        ({"question": {"arm": "real"}}, "arm and reference are both 'real'"),
    ):
        with pytest.raises(InputError, match=message):
            planned_question(plan)
