from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from vdes.errors import InputError
from vdes.statistics.mcnemar import mcnemar_test


def decisions(both_right: int, first_only: int, second_only: int, none_right: int) -> list[np.ndarray]:
    first = np.repeat([1, 1, 0, 0], [both_right, first_only, second_only, none_right])
    second = np.repeat([1, 0, 1, 0], [both_right, first_only, second_only, none_right])
    labels = np.arange(len(first)) % 2
    return [labels, np.where(first, labels, 1 - labels), np.where(second, labels, 1 - labels)]


@pytest.mark.parametrize("counts", [(40, 12, 3, 5), (0, 1, 9, 0), (7, 4, 4, 2), (3, 0, 30, 1)])
def test_it_is_the_exact_test_of_statsmodels(counts):
    test = mcnemar_test(*decisions(*counts))
    assert test[:4] == counts
    assert test.p_value == pytest.approx(mcnemar(np.reshape(counts, (2, 2)), exact=True).pvalue)


def test_closed_form():
    # 0 of 5 with a chance of one half, two-sided
    assert mcnemar_test(*decisions(10, 0, 5, 3)).p_value == pytest.approx(2 / 2**5)


def test_equal_decisions_do_not_differ():
    assert mcnemar_test(*decisions(10, 0, 0, 3)).p_value == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0, 1], [0]), r"expected three of \(N,\), got \(2,\), \(2,\) and \(1,\)"),
        (([], [], []), r"expected three of \(N,\)"),
        (([0, 1], [0, 1], [0, 0.5]), "malignant, first, second: expected 0 or 1"),
        (([0, np.nan], [0, 1], [0, 1]), "malignant, first, second: expected 0 or 1"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        mcnemar_test(*arguments)
