from __future__ import annotations

import pandas as pd
import pytest

from vdes.study.question import Question
from vdes.study.verdicts import verdicts

QUESTION = Question("virtual_des-unet", margin=0.1)


def rows(low: float, high: float, reference_low: float) -> pd.DataFrame:
    """Return the rows of two arms; F1 differs by the middle of an interval."""
    common = {"patients": 50, "standard_error": (high - low) / 4, "reference": "des"}
    found = [
        {"arm": arm, "metric": "auc", "statistic": "value", "value": 0.8, "low": reference_low, "high": 0.9}
        for arm in ("des", "virtual_des-unet")
    ]
    middle = (low + high) / 2
    for metric in ("f1", "auc"):
        difference = {"metric": metric, "statistic": "difference", "value": middle, "low": low, "high": high}
        found.append({"arm": "virtual_des-unet", **difference})
    return pd.DataFrame([{**common, **row} for row in found])


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.05, 0.02, "non-inferior"), (-0.4, -0.2, "inferior"), (-0.2, 0.1, "inconclusive: about")],
)
def test_a_reference_better_than_chance_gives_the_verdict_of_the_interval(
    low: float, high: float, verdict: str
) -> None:
    (found,) = verdicts(rows(low, high, reference_low=0.7), QUESTION)
    assert found["verdict"].startswith(verdict)
    assert (found["arm"], found["reference"], found["metric"], found["margin"]) == (
        "virtual_des-unet",
        "des",
        "f1",
        0.1,
    )


@pytest.mark.parametrize("reference_low", [0.5, 0.3, float("nan")])
def test_no_arm_is_as_good_as_a_reference_at_chance(reference_low: float) -> None:
    for interval in ((-0.05, 0.02), (0.0, 0.0), (-0.2, 0.1)):
        (found,) = verdicts(rows(*interval, reference_low), QUESTION)
        assert found["verdict"] == "not assessable: the reference is not shown to be better than chance"
        assert found["patients_needed"] is None
    # to be worse still is possible
    (found,) = verdicts(rows(-0.4, -0.2, reference_low), QUESTION)
    assert found["verdict"] == "inferior"


def test_an_undefined_interval_is_said_to_be_undefined() -> None:
    table = rows(-0.1, 0.1, float("nan"))
    table.loc[table["statistic"] == "difference", ["low", "high"]] = float("nan")
    (found,) = verdicts(table, QUESTION)
    assert found["verdict"] == "inconclusive: the interval is undefined"
