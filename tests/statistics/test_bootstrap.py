from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from vdes.errors import InputError
from vdes.statistics import bootstrap
from vdes.statistics.bootstrap import (
    cluster_bootstrap_counts,
    cluster_bootstrap_mean,
    cluster_bootstrap_ratio,
    cluster_bootstrap_weights,
    cluster_codes,
    level_for,
    percentile_interval,
    tail_of,
)


def test_with_one_case_a_patient_it_is_the_percentile_interval_of_scipy():
    values = np.random.default_rng(0).gamma(2, size=50)
    expected = scipy.stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    mean, low, high = cluster_bootstrap_mean(values, np.arange(50), n_resamples=20_000)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval), abs=0.02)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=1, confidence_level=0.8
    )
    _, low, high = cluster_bootstrap_mean(values, np.arange(50), n_resamples=20_000, level=0.8)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval), abs=0.02)


def test_patients_come_with_all_of_their_cases():
    # two patients: a quarter of the samples holds only the one, a quarter only the other
    values, patients = [1.0, 4.0, 5.0, 6.0], ["P2", "P1", "P1", "P1"]
    assert cluster_bootstrap_mean(values, patients) == (4.0, 1.0, 5.0)
    drawn = bootstrap._resampled_sums(np.array([[15.0, 3.0], [1.0, 1.0]]), 4000, seed=0)
    means, counts = np.unique(drawn[:, 0] / drawn[:, 1], return_counts=True)
    assert means.tolist() == [1.0, 4.0, 5.0]
    assert (counts / 4000).tolist() == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_the_order_of_cases_and_the_memory_at_hand_do_not_count(monkeypatch):
    rng = np.random.default_rng(0)
    values, patients = rng.random(90), rng.integers(25, size=90)
    expected = cluster_bootstrap_mean(values, patients)
    order = rng.permutation(90)
    assert cluster_bootstrap_mean(values[order], patients[order]) == pytest.approx(expected, abs=1e-12)
    assert cluster_bootstrap_mean(values, patients, seed=1) != expected
    monkeypatch.setattr(bootstrap, "BLOCK", 7 * 25)
    assert cluster_bootstrap_mean(values, patients) == expected


def test_undefined_cases_are_left_out():
    values, patients = [0.1, math.nan, 0.3, 0.5, math.nan], ["P1", "P1", "P2", "P3", "P4"]
    assert cluster_bootstrap_mean(values, patients) == cluster_bootstrap_mean([0.1, 0.3, 0.5], ["P1", "P2", "P3"])
    assert np.isnan(cluster_bootstrap_mean([math.nan], ["P1"])).all()
    assert np.isnan(cluster_bootstrap_mean([], [])).all()


def test_one_patient_has_a_mean_but_no_interval():
    value, low, high = cluster_bootstrap_mean([1.0, 3.0], ["P1", "P1"])
    assert value == 2.0
    assert math.isnan(low)
    assert math.isnan(high)


def test_an_infinite_value_gives_an_infinite_mean_without_an_interval():
    value, low, high = cluster_bootstrap_mean([1.0, math.inf], ["P1", "P2"])
    assert value == math.inf
    assert math.isnan(low)
    assert math.isnan(high)


def test_a_ratio_is_that_of_the_sums():
    rng = np.random.default_rng(0)
    under = rng.random(40) + 0.5
    patients = np.repeat(np.arange(20), 2)
    # proportional in every case: no patient changes the ratio
    assert cluster_bootstrap_ratio(3 * under, under, patients) == pytest.approx((3, 3, 3))
    over = rng.random(40)
    value, low, high = cluster_bootstrap_ratio(over, under, patients)
    assert value == pytest.approx(over.sum() / under.sum())
    assert low < value < high
    over[3] = under[5] = math.nan
    kept = ~np.isin(np.arange(40), [3, 5])
    assert cluster_bootstrap_ratio(over, under, patients) == cluster_bootstrap_ratio(
        over[kept], under[kept], patients[kept]
    )


def test_weights_are_the_resampling_of_the_mean(monkeypatch):
    rng = np.random.default_rng(0)
    values, patients = rng.random(90), rng.integers(25, size=90)
    weights = np.concatenate(list(cluster_bootstrap_weights(patients, n_resamples=500, seed=3)))
    assert weights.shape == (500, 90)
    means = weights @ values / weights.sum(axis=1)
    expected = cluster_bootstrap_mean(values, patients, n_resamples=500, seed=3)
    assert percentile_interval(values.mean(), means) == pytest.approx(expected)
    monkeypatch.setattr(bootstrap, "BLOCK", 7 * 90)
    blocks = list(cluster_bootstrap_weights(patients, n_resamples=500, seed=3))
    assert max(len(block) for block in blocks) == 7
    assert np.array_equal(np.concatenate(blocks), weights)


def test_undefined_resamples_are_left_out_unless_they_are_many():
    resampled = np.linspace(0, 1, 201)
    resampled[:10] = math.nan
    expected = (0.5, *np.quantile(resampled[10:], [0.05, 0.95]))
    assert percentile_interval(0.5, resampled, 0.9) == pytest.approx(expected)
    resampled[10] = math.nan
    value, low, high = percentile_interval(0.5, resampled)
    assert value == 0.5
    assert math.isnan(low)
    assert math.isnan(high)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], ["P1"]), "lengths differ"),
        (([1.0, 2.0], ["P1", None]), "clusters: case 1 has no patient"),
        (([1.0], ["P1"], 0), "n_resamples: expected 1 or more, got 0"),
        (([1.0], ["P1"], 10, 0, 95), "level: expected a number in .* got 95"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        cluster_bootstrap_mean(*arguments)


def test_bad_resampling_is_named():
    with pytest.raises(InputError, match="clusters: expected one case or more"):
        next(cluster_bootstrap_weights([]))
    with pytest.raises(InputError, match="clusters: case 1 has no patient"):
        next(cluster_bootstrap_weights(["P1", None]))
    with pytest.raises(InputError, match="level: expected"):
        percentile_interval(0.5, np.zeros(3), 1.0)


@pytest.mark.slow
def test_the_interval_covers_the_true_mean_as_often_as_it_says_and_cases_taken_alone_do_not():
    rng = np.random.default_rng(0)
    n_sets, by_patient, by_case = 1500, 0, 0
    for _ in range(n_sets):
        patients = np.repeat(np.arange(80), rng.integers(1, 5, size=80))
        values = rng.standard_normal(80)[patients] + 0.5 * rng.standard_normal(len(patients))
        _, low, high = cluster_bootstrap_mean(values, patients, n_resamples=1000)
        by_patient += low <= 0 <= high
        _, low, high = cluster_bootstrap_mean(values, np.arange(len(patients)), n_resamples=1000)
        by_case += low <= 0 <= high
    assert 0.93 <= by_patient / n_sets <= 0.97
    assert by_case / n_sets < 0.85


def test_counts_of_patients_are_the_weights_of_their_cases() -> None:
    patients = ["P2", "P1", "P2", "P3"]
    codes = cluster_codes(patients)
    assert codes.tolist() == [1, 0, 1, 2]
    counts = np.concatenate(list(cluster_bootstrap_counts(codes, n_resamples=50, seed=3)))
    assert (counts.sum(axis=1) == 3).all()
    weights = np.concatenate(list(cluster_bootstrap_weights(patients, n_resamples=50, seed=3)))
    np.testing.assert_array_equal(counts[:, codes], weights)


def test_few_resamples_pass_their_bounds_more_often() -> None:
    rng, resamples = np.random.default_rng(0), 39
    drawn = rng.standard_normal((20_000, resamples + 1))
    for level in (0.95, level_for(0.025, resamples)):
        lows = np.quantile(drawn[:, 1:], (1 - level) / 2, axis=1)
        assert (drawn[:, 0] < lows).mean() == pytest.approx(tail_of(resamples, level), abs=0.005)
    assert tail_of(resamples, level_for(0.025, resamples)) == pytest.approx(0.025)
    assert tail_of(resamples) > 0.04
