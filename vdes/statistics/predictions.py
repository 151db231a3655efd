"""The table of a classifier's predictions, checked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vdes.errors import InputError

LEVELS = ("image", "breast", "examination")


def known_cases(predictions: pd.DataFrame, name: str = "predictions") -> pd.DataFrame:
    """Check a table of predictions and return its cases whose pathology is known.

    Args:
        predictions: one row a case, with the columns ``case``, ``patient``, ``malignant`` (0 or 1, missing where
            unknown), ``probability`` of malignancy in [0, 1], and ``prediction`` (0 or 1) or ``threshold`` (at or above
            it a case is called malignant); where a case is one only within its level or breast, ``level`` and
            ``laterality``. Other columns are not read.
        name: of the table, for messages.

    Returns:
        The rows whose ``malignant`` is not missing, in the table's order and with a new index: ``level`` and
        ``laterality`` where the table has them, ``case``, ``patient``, ``malignant`` and ``prediction`` as bool,
        ``probability`` as float.

    Raises:
        InputError: on a missing column, a case twice, a case without a patient, or values out of range.
    """
    columns = ["case", "patient", "malignant", "probability"]
    missing = [column for column in columns if column not in predictions]
    if missing:
        raise InputError(f"{name}: no column `{missing[0]}`")
    if "prediction" not in predictions and "threshold" not in predictions:
        raise InputError(f"{name}: expected a column `prediction` or `threshold`")
    keys = [column for column in ("level", "laterality", "case") if column in predictions]
    twice = predictions[predictions.duplicated(keys)]
    if not twice.empty:
        raise InputError(f"{name}: case {_label(twice.iloc[0], keys)} is there twice")

    table = predictions[_numbers(predictions, "malignant", name).notna().to_numpy()].reset_index(drop=True)
    if table["patient"].isna().any():
        raise InputError(
            f"{name}: case {_label(table.iloc[int(table['patient'].isna().argmax())], keys)} has no patient"
        )
    cases = table[[*keys, "patient"]].copy()
    limits = {"malignant": "0 or 1", "probability": "a number in [0, 1]"}
    if "prediction" in table:
        limits["prediction"] = "0 or 1"
    for column, expected in limits.items():
        values = _numbers(table, column, name)
        right = values.isin([0, 1]) if expected == "0 or 1" else values.between(0, 1)
        if not right.all():
            row = int(right.argmin())
            raise InputError(
                f"{name}: case {_label(table.iloc[row], keys)}: `{column}`: expected {expected}, got {values[row]}"
            )
        cases[column] = values.astype(bool) if expected == "0 or 1" else values
    if "prediction" not in cases:
        thresholds = _numbers(table, "threshold", name)
        if thresholds.isna().any():
            row = int(thresholds.isna().argmax())
            raise InputError(f"{name}: case {_label(table.iloc[row], keys)}: `threshold`: expected a number, got nan")
        cases["prediction"] = cases["probability"] >= thresholds
    return cases


def _numbers(table: pd.DataFrame, column: str, name: str) -> pd.Series:
    try:
        return pd.Series(table[column].to_numpy(dtype=float, na_value=np.nan), index=table.index)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: `{column}`: expected numbers ({error})") from error


def _label(row: pd.Series, keys: list[str]) -> str:
    return " ".join(str(row[key]) for key in keys if not pd.isna(row[key]))
