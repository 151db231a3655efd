from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.statistics.predictions import known_cases


@pytest.fixture()
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": ["image", "image", "breast", "breast"],
            "case": ["a", "b", "a", "a"],
            "laterality": ["L", "R", "L", "R"],
            "patient": ["P1", "P1", "P1", "P1"],
            "malignant": [1, 0, np.nan, 0],
            "probability": [0.9, 0.2, 0.7, 0.5],
            "prediction": [1, 0, 1, 0],
            "threshold": [0.5, 0.5, 0.6, 0.4],
            "inputs": "low_energy",
        }
    )


def test_cases_of_known_pathology_are_kept(table):
    cases = known_cases(table)
    assert cases["case"].tolist() == ["a", "b", "a"]
    assert cases["malignant"].tolist() == [True, False, False]
    assert cases["prediction"].tolist() == [True, False, False]
    assert cases.index.tolist() == ["image L a", "image R b", "breast R a"]


def test_without_decisions_the_thresholds_make_them(table):
    assert known_cases(table.drop(columns="prediction"))["prediction"].tolist() == [True, False, True]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "object", "boolean"])
def test_missing_labels_of_any_kind_are_unknown(table, dtype):
    expected = known_cases(table)
    pd.testing.assert_frame_equal(known_cases(table.assign(malignant=table["malignant"].astype(dtype))), expected)


def test_a_missing_side_is_the_same_however_it_is_written(table):
    for missing in (None, np.nan, ""):
        names = known_cases(table.iloc[:2].assign(level="examination", laterality=missing)).index
        assert names.tolist() == ["examination a", "examination b"]


def test_a_table_of_one_level_needs_no_level(table):
    cases = known_cases(table.iloc[:2].drop(columns=["level", "laterality"]))
    assert cases.columns.tolist() == ["case", "patient", "malignant", "prediction", "probability"]


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("malignant", 1, 2, "arm: case image R b: `malignant`: expected 0 or 1, got 2.0"),
        ("probability", 0, 1.5, r"arm: case image L a: `probability`: expected a number in \[0, 1\], got 1.5"),
        ("probability", 0, np.nan, r"arm: case image L a: `probability`: expected a number in \[0, 1\], got nan"),
        ("prediction", 3, 0.5, "arm: case breast R a: `prediction`: expected 0 or 1, got 0.5"),
        ("case", 2, None, "arm: row 2 has no case"),
        ("patient", 0, None, "arm: case image L a has no patient"),
        ("laterality", 3, "L", "arm: case breast L a occurs twice"),
    ],
)
def test_bad_values_are_named(table, column, row, value, message):
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    with pytest.raises(InputError, match=message):
        known_cases(table, "arm")


def test_bad_tables_are_named(table):
    with pytest.raises(InputError, match="predictions: no column `patient`"):
        known_cases(table.drop(columns="patient"))
    without = table.drop(columns="prediction")
    with pytest.raises(InputError, match="predictions: expected a column `prediction` or `threshold`"):
        known_cases(without.drop(columns="threshold"))
    with pytest.raises(InputError, match="case image L a: `threshold`: expected a number, got nan"):
        known_cases(without.assign(threshold=np.nan))
    with pytest.raises(InputError, match=r"predictions: `malignant`: expected numbers .*yes"):
        known_cases(table.assign(malignant="yes"))
