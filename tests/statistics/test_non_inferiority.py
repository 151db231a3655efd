from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.power import normal_power

from vdes.errors import InputError
from vdes.statistics.non_inferiority import non_inferiority

ERROR = 0.02


def judged(value: float, margin: float = 0.05, error: float = ERROR, patients: int = 100) -> tuple[str, int | None]:
    reach = scipy.stats.norm.isf(0.025) * error
    return non_inferiority(value, value - reach, value + reach, error, patients, margin)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.03, "non-inferior"),
        (0.0, "non-inferior"),
        # worse than the real arm for sure, but by less than the margin
        (-0.0105, "non-inferior"),
        (-0.0895, "inferior"),
        (-0.3, "inferior"),
        (-0.05, "inconclusive: the estimated difference is beyond the margin"),
        (-0.08, "inconclusive: the estimated difference is beyond the margin"),
    ],
)
def test_verdicts(value, verdict):
    error = 0.005 if value == -0.0105 else ERROR
    assert judged(value, error=error) == (verdict, None)


def test_the_bound_itself_is_not_enough():
    assert non_inferiority(0.0, -0.05, 0.05, 0.0255, 100, 0.05).verdict.startswith("inconclusive")
    assert non_inferiority(-0.1, -0.15, -0.05, 0.0255, 100, 0.05).verdict.startswith("inconclusive")


@pytest.mark.parametrize(("value", "true"), [(-0.02, -0.02), (0.01, 0.0)])
def test_so_many_patients_reach_the_power(value, true):
    error, margin = 0.04, 0.05
    verdict, needed = judged(value, margin, error)
    assert verdict == f"inconclusive: about {needed} patients would be needed"
    assert needed is not None
    exact = 100 * (error * (1.959964 + 0.841621) / (margin + true)) ** 2
    assert exact <= needed <= 1.1 * exact
    assert needed % 10 ** (len(str(needed)) - 2) == 0
    power = normal_power((margin + true) / (error * math.sqrt(100)), needed, 0.025, alternative="larger")
    assert power == pytest.approx(0.8, abs=0.03)
    assert power >= 0.8


def test_the_power_is_that_of_simulated_studies():
    rng = np.random.default_rng(0)
    needed = judged(0.0, 0.05, 0.04)[1]
    assert needed is not None
    estimates = rng.normal(0, 0.04 * math.sqrt(100 / needed), size=4000)
    verdicts = [judged(estimate, 0.05, 0.04 * math.sqrt(100 / needed), needed)[0] for estimate in estimates]
    assert np.mean([verdict == "non-inferior" for verdict in verdicts]) == pytest.approx(0.8, abs=0.03)


def test_an_undefined_interval_settles_nothing():
    verdict = non_inferiority(0.0, math.nan, math.nan, math.nan, 100, 0.05)
    assert verdict == ("inconclusive: the interval is undefined", None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margin": 0.0}, "margin: expected a number above 0, got 0"),
        ({"margin": math.nan}, "margin: expected a number above 0, got nan"),
        ({"patients": 0}, "patients, power, confidence: expected 1 or more"),
        ({"power": 1.0}, "patients, power, confidence: expected 1 or more"),
        ({"confidence": 95}, "patients, power, confidence: expected 1 or more"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"value": 0, "low": -0.1, "high": 0.1, "standard_error": 0.05, "patients": 100, "margin": 0.05}
    with pytest.raises(InputError, match=message):
        non_inferiority(**(arguments | change))
