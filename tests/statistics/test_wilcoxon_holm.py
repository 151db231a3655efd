from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from vdes.errors import InputError
from vdes.statistics.wilcoxon_holm import COLUMNS, wilcoxon_holm


def test_p_values_are_those_of_scipy_corrected_by_hand():
    rng = np.random.default_rng(0)
    differences = {name: shift + rng.standard_normal(30) for name, shift in (("a", 0.0), ("b", 0.9), ("c", 0.5))}
    table = wilcoxon_holm(differences)
    assert table.columns.tolist() == COLUMNS
    assert table["comparison"].tolist() == ["a", "b", "c"]
    assert table["median"].tolist() == pytest.approx([np.median(values) for values in differences.values()])
    tests = [scipy.stats.wilcoxon(values) for values in differences.values()]
    assert table["statistic"].tolist() == [test.statistic for test in tests]
    a, b, c = (test.pvalue for test in tests)
    assert table["p_value"].tolist() == pytest.approx([a, b, c])
    assert b < c < a
    assert table["p_holm"].tolist() == pytest.approx([max(a, 2 * c, 3 * b), 3 * b, max(2 * c, 3 * b)])


def test_closed_form_and_missing_pairs():
    # all of 6 differences positive: 2 of the 2 ** 6 equally likely signs are as extreme
    table = wilcoxon_holm({"a": [1, 2, np.nan, 3, 4, 5, 6]})
    assert table.iloc[0].tolist() == ["a", 6, 3.5, 0, pytest.approx(2 / 2**6), pytest.approx(2 / 2**6)]


def test_pairs_without_a_difference_do_not_differ():
    assert wilcoxon_holm({"a": [0.0, 0.0, 0.0]}).iloc[0].tolist() == ["a", 3, 0, 0, 1, 1]


def test_bad_input_is_named():
    with pytest.raises(InputError, match="differences: expected one comparison or more"):
        wilcoxon_holm({})
    for values in ([], [np.nan], [1.0, np.inf], [[1.0, 2.0]]):
        with pytest.raises(InputError, match=r"differences: b: expected \(N,\) finite numbers"):
            wilcoxon_holm({"a": [1.0, 2.0], "b": values})
