"""The tests of two arms on the same cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from vdes.statistics.delong import delong_test
from vdes.statistics.mcnemar import mcnemar_test


@dataclass(frozen=True)
class PairedTest:
    """A test of two arms.

    Attributes:
        label: its usual name.
        p_value: takes the predictions of two arms, tables with ``malignant``, ``probability`` and ``prediction`` and
            the same cases in the same order; NaN if the cases do not allow the test.
    """

    label: str
    p_value: Callable[[pd.DataFrame, pd.DataFrame], float]


def _mcnemar(one: pd.DataFrame, other: pd.DataFrame) -> float:
    return mcnemar_test(one["malignant"], one["prediction"], other["prediction"]).p_value


def _delong(one: pd.DataFrame, other: pd.DataFrame) -> float:
    if one["malignant"].value_counts().min() < 2:
        return float("nan")
    return delong_test(one["malignant"], one["probability"], other["probability"]).p_value


PAIRED_TESTS = {"mcnemar": PairedTest("McNemar", _mcnemar), "delong": PairedTest("DeLong", _delong)}
