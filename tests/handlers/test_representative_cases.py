from __future__ import annotations

import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.handlers.representative_cases import representative_cases


def table(gains: dict[str, float | None]) -> pd.DataFrame:
    rows = []
    for i, (case, gain) in enumerate(gains.items()):
        rows.append({"case": case, "method": "constant", "psnr_breast": 10.0 * i})
        rows.append({"case": case, "method": "virtual_des", "psnr_breast": None if gain is None else 10 * i + gain})
    return pd.DataFrame(rows)


def test_the_gain_decides_and_not_the_figure():
    chosen = representative_cases(table({"a": 3.0, "b": -1.0, "c": 1.0, "d": 0.5, "e": 2.0}))
    assert chosen.to_dict() == pytest.approx({"a": 3.0, "c": 1.0, "b": -1.0})
    assert list(chosen.index) == ["a", "c", "b"]


def test_of_an_even_number_the_better_middle_one_and_of_equals_the_first_by_name():
    assert list(representative_cases(table({"d": 1.0, "a": 4.0, "b": 3.0, "c": 2.0})).index) == ["a", "b", "d"]
    assert list(representative_cases(table({"c": 1.0, "b": 1.0, "a": 1.0})).index) == ["a", "b", "c"]


def test_cases_without_the_metric_are_no_candidates():
    assert list(representative_cases(table({"a": 3.0, "x": None, "b": 2.0, "c": 1.0})).index) == ["a", "b", "c"]
    with pytest.raises(InputError, match="expected at least 3 cases with `psnr_breast`, got 2"):
        representative_cases(table({"a": 3.0, "x": None, "b": 2.0}))


def test_of_an_error_the_smallest_is_best():
    errors = table({"a": 3.0, "b": -1.0, "c": 1.0}).rename(columns={"psnr_breast": "mae_breast"})
    assert representative_cases(errors, "mae_breast").to_dict() == pytest.approx({"b": 1.0, "c": -1.0, "a": -3.0})
    with pytest.raises(InputError, match="metric: 'malignancy'; expected one of mae_image, mae_breast"):
        representative_cases(errors, "malignancy")
