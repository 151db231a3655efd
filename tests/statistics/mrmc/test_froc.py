from __future__ import annotations

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.statistics.mrmc.froc import froc_curve


def test_a_curve_by_hand():
    curve = froc_curve([90, 80, 80, 10], found=[1, 0, 1, 0], lesions=[1, 1, 2, 0], false_marks=[0, 2, 0, 1])
    assert curve.false_marks == pytest.approx([0, 0, 0.5, 0.75])
    assert curve.sensitivity == pytest.approx([0, 0.25, 0.5, 0.5])


def test_it_is_the_definition_at_each_threshold():
    rng = np.random.default_rng(0)
    lesions = rng.integers(0, 3, 50)
    found, false, rating = rng.integers(0, lesions + 1), rng.integers(0, 3, 50), rng.integers(0, 10, 50)
    curve = froc_curve(rating, found, lesions, false)
    for place, threshold in enumerate(sorted(set(rating), reverse=True), start=1):
        called = rating >= threshold
        assert curve.sensitivity[place] == pytest.approx(found[called].sum() / lesions.sum())
        assert curve.false_marks[place] == pytest.approx(false[called].sum() / 50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [0], [1], [0, 0]), r"expected four times \(N,\)"),
        (([1], [2], [1], [0]), "no more lesions found than there are"),
        (([np.nan], [0], [1], [0]), "expected finite ratings"),
        (([1], [0], [0], [0]), "lesions: expected one or more in all, got 0"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        froc_curve(*arguments)
