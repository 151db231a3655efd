from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from vdes.errors import InputError
from vdes.statistics.mrmc.forced_choice import choices_of_all, reader_choices


def test_one_reader_by_the_binomial():
    found = reader_choices([1] * 8 + [0] * 2)
    assert (found.right, found.cases) == (8, 10)
    assert found.p_value == pytest.approx(2 * (45 + 10 + 1) / 1024)  # 8, 9 or 10 heads of 10, and as many tails
    assert found.share[1:] == pytest.approx(proportion_confint(8, 10, method="beta"))


def test_readers_who_answer_alike_are_no_more_evidence_than_one():
    answers = np.random.default_rng(0).integers(0, 2, 60)
    answers[:15] = 1
    alone = choices_of_all(answers[None], "fixed")
    four = choices_of_all(np.tile(answers, (4, 1)), "fixed")
    assert four == pytest.approx(alone)
    random = choices_of_all(np.tile(answers, (4, 1)))
    assert random.standard_error == pytest.approx(alone.standard_error)


def test_guessing_is_found_as_often_as_stated():
    rng = np.random.default_rng(1)
    p_values = []
    for _ in range(400):
        looks = rng.standard_normal(40)  # what all readers see in a case
        answers = (0.7 * looks + rng.standard_normal((4, 40)) > 0).astype(int)
        p_values.append(choices_of_all(answers).p_value)
    assert np.mean(np.array(p_values) < 0.05) < 0.09


def test_bad_input_is_named():
    with pytest.raises(InputError, match="right: expected one or more answers of 0 or 1"):
        reader_choices([])
    with pytest.raises(InputError, match=r"confidence: expected a number in \(0, 1\), got 2"):
        reader_choices([1], 2)
