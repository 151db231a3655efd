from __future__ import annotations

import pytest

from vdes.errors import InputError
from vdes.statistics.monte_carlo import share
from vdes.study.arguments import Assumed
from vdes.study.assumed import assumed_population
from vdes.study.question import Question
from vdes.study.sample_size import LEAST, MOST, Power, patients_at, power_curve, sample_size, simulated_power

QUESTION = Question("arm", metric="sensitivity", margin=0.25, n_resamples=100)


def test_the_advised_numbers_reach_their_power_in_studies_of_another_seed() -> None:
    population = assumed_population(Assumed(sensitivity=(0.9, 0.9), correlation=0.8), "examination")
    found = sample_size(population, QUESTION, 40, 0)
    assert found["difference"] == pytest.approx(0)
    numbers = [row["patients"] for row in found["needed"]]
    assert LEAST <= numbers[0] < numbers[1] < 300
    for row in found["needed"]:
        anew = simulated_power(population, row["patients"], QUESTION, 40, (1,))
        assert share(anew.non_inferior, anew.studies).high >= row["power"]
        assert row["check"]["high"] >= row["power"]
    again = simulated_power(population, found["simulated"][0]["patients"], QUESTION, 40, (0, 0, 0))
    assert again._asdict() == found["simulated"][0]


def test_more_patients_than_can_be_simulated_are_extrapolated() -> None:
    population = assumed_population(Assumed(sensitivity=(0.9, 0.9)), "examination")
    curve = [Power(400, 50, 100), Power(900, 80, 100), Power(1600, 97, 100)]
    assert patients_at(0.5, curve, 0.95) == pytest.approx(400, rel=0.05)
    assert patients_at(0.8, curve, 0.95) == pytest.approx(900, rel=0.1)
    tiny = Question("arm", metric="sensitivity", margin=1e-3, n_resamples=2)
    found = sample_size(population, tiny, 1, 0)
    assert [row["patients"] for row in found["needed"]] == [None, None]
    assert all(row["about"] > MOST and row["check"] is None for row in found["needed"])


def test_a_curve_without_a_slope_starts_at_the_quantile_of_the_interval() -> None:
    start, slope = power_curve([Power(100, 50, 100)], 0.95)
    assert start == pytest.approx(-1.96, abs=0.01)
    assert start + 10 * slope == pytest.approx(0, abs=0.03)
    assert power_curve([Power(20, 99, 100), Power(30, 98, 100)], 0.95)[0] == start


@pytest.mark.parametrize("virtual", [0.65, 0.5])
def test_no_number_suffices_at_or_beyond_the_margin(virtual: float) -> None:
    population = assumed_population(Assumed(sensitivity=(0.9, virtual)), "examination")
    with pytest.raises(InputError, match=r"at or beyond the margin of 0\.25: no number of patients suffices"):
        sample_size(population, QUESTION, 40, 0)
