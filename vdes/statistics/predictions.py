"""Check the table of a classifier's predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vdes.errors import InputError


def known_cases(predictions: pd.DataFrame, name: str = "predictions") -> pd.DataFrame:
    """Check a table of predictions and return its cases whose pathology is known.

    Args:
        predictions: one row per case, with the columns ``case``, ``patient``, ``malignant`` (0 or 1, missing if
            unknown), ``probability`` of malignancy in [0, 1], and ``prediction`` (0 or 1) or ``threshold`` (a case at
            or above it is called malignant); also ``level`` and ``laterality`` if cases are unique only within these.
            Other columns are ignored.
        name: name of the table, for messages.

    Returns:
        The rows whose ``malignant`` is not missing, in the table's order and with the cases' names as index: ``case``,
        ``patient``, ``malignant`` and ``prediction`` as bool, ``probability`` as float, and ``level`` if the table has
        it.

    Raises:
        InputError: a column is missing, a case has no name or no patient or occurs twice, or values are out of range.
    """
    missing = [column for column in ("case", "patient", "malignant", "probability") if column not in predictions]
    if missing:
        raise InputError(f"{name}: no column `{missing[0]}`")
    if "prediction" not in predictions and "threshold" not in predictions:
        raise InputError(f"{name}: expected a column `prediction` or `threshold`")
    if predictions["case"].isna().any():
        raise InputError(f"{name}: row {int(predictions['case'].isna().argmax())} has no case")
    keys = [column for column in ("level", "laterality", "case") if column in predictions]
    table = predictions.set_axis(
        [
            " ".join(str(key) for key in row if not pd.isna(key) and key != "")
            for row in predictions[keys].itertuples(index=False)
        ]
    )
    if table.index.has_duplicates:
        raise InputError(f"{name}: case {table.index[table.index.duplicated()][0]} is there twice")

    table = table[_numbers(table, "malignant", name).notna()]
    if table["patient"].isna().any():
        raise InputError(f"{name}: case {table['patient'].isna().idxmax()} has no patient")
    cases = table[[column for column in ("level", "case", "patient") if column in table]].copy()
    for column in ("malignant", "prediction"):
        if column in table:
            values = _numbers(table, column, name)
            _check(values.isin([0, 1]), values, "0 or 1", name)
            cases[column] = values.astype(bool)
    cases["probability"] = _numbers(table, "probability", name)
    _check(cases["probability"].between(0, 1), cases["probability"], "a number in [0, 1]", name)
    if "prediction" not in table:
        thresholds = _numbers(table, "threshold", name)
        _check(thresholds.notna(), thresholds, "a number", name)
        cases["prediction"] = cases["probability"] >= thresholds
    return cases


def _numbers(table: pd.DataFrame, column: str, name: str) -> pd.Series:
    try:
        return pd.Series(table[column].to_numpy(dtype=float, na_value=np.nan), index=table.index, name=column)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: `{column}`: expected numbers ({error})") from error


def _check(right: pd.Series, values: pd.Series, expected: str, name: str) -> None:
    if not right.all():
        row = int(right.to_numpy().argmin())
        raise InputError(
            f"{name}: case {right.index[row]}: `{values.name}`: expected {expected}, got {values.iloc[row]}"
        )
