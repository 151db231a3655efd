from __future__ import annotations

import pytest

from vdes.errors import InputError
from vdes.statistics.monte_carlo import share
from vdes.study.arguments import Assumed
from vdes.study.assumed import assumed_population
from vdes.study.question import Question
from vdes.study.sample_size import LEAST, MOST, POWERS, sample_size, simulated_power

QUESTION = Question("arm", metric="sensitivity", margin=0.25, n_resamples=200)
POPULATION = assumed_population(Assumed(sensitivity=(0.9, 0.9), correlation=0.8), "examination")


def test_the_advised_numbers_reach_their_power_in_studies_of_another_seed() -> None:
    found = sample_size(POPULATION, QUESTION, 160, 0)
    assert found["difference"] == pytest.approx(0)
    numbers = [row["patients"] for row in found["needed"]]
    assert LEAST <= numbers[0] < numbers[1] < 100
    for row, power in zip(found["needed"], POWERS, strict=True):
        anew = simulated_power(POPULATION, row["patients"], QUESTION, 160, (1,))
        assert share(anew.non_inferior, anew.studies).high >= power
        assert row["fitted"]["low"] < row["patients"] < 1.3 * row["fitted"]["high"]
        assert power <= row["check"]["value"] < row["check"]["high"]


@pytest.mark.slow
def test_other_seeds_advise_about_the_same() -> None:
    found = [sample_size(POPULATION, QUESTION, 1000, seed)["needed"] for seed in range(3)]
    for rows in zip(*found, strict=True):
        numbers = [row["patients"] for row in rows]
        assert max(numbers) <= 1.15 * min(numbers)


def test_numbers_are_checked_in_rising_order_until_one_passes() -> None:
    studies = 80
    found = sample_size(POPULATION, QUESTION, studies, 1)
    checks = [point for point in found["simulated"] if point["studies"] == studies]
    for row in found["needed"]:
        sizes = []
        while not sizes or sizes[-1] != row["patients"]:
            check = checks.pop(0)
            sizes.append(check["patients"])
            passed = check["non_inferior"] >= row["power"] * studies
            assert passed == (sizes[-1] == row["patients"])
        assert sizes == sorted(set(sizes))
    assert checks == []


def test_the_same_seed_advises_the_same() -> None:
    first, again, other = (sample_size(POPULATION, QUESTION, 16, seed) for seed in (0, 0, 1))
    assert first == again != other


def test_more_patients_than_can_be_simulated_are_extrapolated() -> None:
    tiny = Question("arm", metric="sensitivity", margin=1e-3, n_resamples=2)
    found = sample_size(assumed_population(Assumed(sensitivity=(0.9, 0.9)), "examination"), tiny, 8, 0)
    assert [(row["patients"], row["check"]) for row in found["needed"]] == [(None, None), (None, None)]
    assert all(row["fitted"]["value"] > MOST for row in found["needed"])


@pytest.mark.parametrize("virtual", [0.65, 0.5])
def test_no_number_suffices_at_or_beyond_the_margin(virtual: float) -> None:
    population = assumed_population(Assumed(sensitivity=(0.9, virtual)), "examination")
    with pytest.raises(InputError, match=r"at or beyond the margin of 0\.25: no number of patients suffices"):
        sample_size(population, QUESTION, 40, 0)
