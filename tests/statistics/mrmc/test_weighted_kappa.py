from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa, to_table

from vdes.errors import InputError
from vdes.statistics.mrmc.weighted_kappa import weighted_kappa


def readings(rng, cases=60, noise=1.0):
    truth = rng.integers(0, 5, cases)
    return [np.clip(np.round(truth + noise * rng.standard_normal(cases)), 0, 4) for _ in range(3)]


def test_it_is_that_of_scikit_learn_and_statsmodels():
    first, second, third = readings(np.random.default_rng(0))
    found = weighted_kappa([(first, second)], 5, np.arange(60), 10)
    assert found.value == pytest.approx(cohen_kappa_score(first, second, labels=range(5), weights="quadratic"))
    table = to_table(np.stack([first, second], axis=1), bins=np.arange(6) - 0.5)[0]
    assert found.value == pytest.approx(cohens_kappa(table, wt="fc").kappa)
    both = weighted_kappa([(first, second), (first, third)], 5, np.arange(60), 10)
    expected = [cohen_kappa_score(first, other, weights="quadratic") for other in (second, third)]
    assert both.value == pytest.approx(np.mean(expected))


def test_the_interval_is_that_of_resampled_patients():
    first, second, _ = readings(np.random.default_rng(1), 40)
    patients = np.repeat(np.arange(20), 2)
    found = weighted_kappa([(first, second)], 5, patients, 1000, seed=3)
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(1000):
        rows = np.concatenate([np.flatnonzero(patients == patient) for patient in rng.integers(20, size=20)])
        drawn.append(cohen_kappa_score(first[rows], second[rows], weights="quadratic"))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.03)


def test_readings_that_are_missing_do_not_count():
    first, second, _ = readings(np.random.default_rng(2))
    second[:20] = np.nan
    found = weighted_kappa([(first, second)], 5, np.arange(60), 10)
    assert found.value == pytest.approx(cohen_kappa_score(first[20:], second[20:], weights="quadratic"))


def test_what_never_varies_has_no_kappa():
    ones = np.ones(10)
    assert np.isnan(weighted_kappa([(ones, ones)], 5, np.arange(10), 10)).all()
    varied = np.arange(10) % 5
    pairs = [(ones, ones), (varied, varied)]
    assert weighted_kappa(pairs, 5, np.arange(10), 50).value == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 5, [1]), "pairs, grades: expected one or more"),
        (([([0, 1], [0])], 5, [1, 2]), r"pairs: expected \(N,\) and \(N,\)"),
        (([([0, 7], [0, 1])], 5, [1, 2]), "pairs: expected grades 0 to 4"),
        (([([0, 1], [0, 1])], 5, [1]), "clusters: expected 2"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        weighted_kappa(*arguments)
