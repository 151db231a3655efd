"""Known answers: RJafroc's sample sizes from the data set of Van Dyke as a pilot study (its vignette and tests)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.statistics.mrmc.figures_of_merit import auc_merits
from vdes.statistics.mrmc.obuchowski_rockette import Components, components, difference
from vdes.statistics.mrmc.roe_metz import RoeMetz
from vdes.statistics.mrmc.sample_size import assumed_components, cases_needed, reader_study_power


@pytest.fixture(scope="module")
def pilot(van_dyke) -> tuple[Components, float]:
    merits = auc_merits(*van_dyke)
    return components(merits), difference(merits, 1, 0).value


def test_published_power(pilot):
    found, observed = pilot
    assert reader_study_power(found, 114, 6, 111, observed).power == pytest.approx(0.5526116, abs=5e-8)
    at_112 = reader_study_power(found, 114, 6, 112, observed)
    assert at_112.power == pytest.approx(0.5555789, abs=1e-7)
    assert (observed / at_112.standard_error) ** 2 == pytest.approx(4.80, abs=5e-3)  # the noncentrality
    assert at_112.degrees_of_freedom == pytest.approx(23.1, abs=0.05)


@pytest.mark.parametrize(("readers", "cases"), [(4, 1089), (5, 344), (6, 251), (10, 163), (20, 126), (100, 103)])
def test_published_numbers_of_cases(pilot, readers, cases):
    found, observed = pilot
    assert cases_needed(found, 114, readers, observed) == cases


def test_three_readers_are_too_few_for_any_number_of_cases(pilot):
    found, observed = pilot
    assert cases_needed(found, 114, 3, observed, most=2000) is None


def test_non_inferiority_is_one_sided(pilot):
    found, _ = pilot
    power = reader_study_power(found, 114, 6, 200, 0.0, margin=0.05).power
    two_sided = reader_study_power(found, 114, 6, 200, 0.05).power
    assert power == pytest.approx(two_sided, abs=1e-4)  # but for rejecting on the other side
    assert power < two_sided
    assert reader_study_power(found, 114, 6, 200, -0.05, margin=0.05).power == pytest.approx(0.025)
    fixed = reader_study_power(found, 114, 6, 200, 0.0, margin=0.05, fixed_readers=True)
    assert fixed.power > power
    assert math.isinf(fixed.degrees_of_freedom)


@pytest.mark.slow
def test_the_power_is_that_of_simulated_studies():
    rng, model = np.random.default_rng(0), RoeMetz()
    first, second = model.separation(0.80), model.separation(0.86)
    many = [components(auc_merits(*model.draw([first, second], 6, 50, 50, rng))) for _ in range(400)]
    pilot = Components(*np.mean([[getattr(one, name) for name in Components.__annotations__] for one in many], axis=0))
    predicted = reader_study_power(pilot, 100, 6, 160, -0.06).power
    rejected = [
        difference(auc_merits(*model.draw([first, second], 6, 80, 80, rng)), 0, 1).p_value < 0.05 for _ in range(1000)
    ]
    assert np.mean(rejected) == pytest.approx(predicted, abs=0.05)


def test_assumed_components_are_those_of_hanley_and_mcneil():
    found = assumed_components(0.85, 40, 60)
    q1, q2 = 0.85 / 1.15, 2 * 0.85**2 / 1.85
    variance = (0.85 * 0.15 + 39 * (q1 - 0.85**2) + 59 * (q2 - 0.85**2)) / 2400
    assert found.error == pytest.approx(variance)
    assert found.cov1 / found.error == pytest.approx(0.47)
    assert 0.3 < reader_study_power(found, 100, 4, 100, 0.0, margin=0.05).power < 0.8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"readers": 1}, "two or more random readers"),
        ({"cases": 0}, "expected 1 or more"),
        ({"margin": 0.0}, "margin: expected a number above 0, or None, got 0.0"),
        ({"confidence": 1.0}, r"confidence: expected a number in \(0, 1\)"),
        ({"pilot": Components(1e-3, math.nan, 1e-4, 1e-4, 0, 0)}, "one is not a number"),
    ],
)
def test_bad_input_is_named(pilot, change, message):
    arguments = {"pilot": pilot[0], "pilot_cases": 114, "readers": 4, "cases": 80, "difference": 0.04}
    with pytest.raises(InputError, match=message):
        reader_study_power(**arguments | change)
    with pytest.raises(InputError, match="auc, malignant, others"):
        assumed_components(0.5, 10, 10)
