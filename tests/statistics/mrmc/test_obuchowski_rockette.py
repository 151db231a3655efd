"""Known answers: OR-DBM MRMC 2.51 (University of Iowa) on the data set of Van Dyke, trapezoidal areas, jackknife."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.anova import AnovaRM

from vdes.errors import InputError
from vdes.statistics.mrmc.figures_of_merit import Merits, auc_merits, share_merits
from vdes.statistics.mrmc.obuchowski_rockette import (
    components,
    difference,
    modality_test,
    modality_value,
    reader_difference,
    reader_value,
)
from vdes.statistics.mrmc.roe_metz import RoeMetz
from vdes.statistics.paired_bootstrap import paired_bootstrap


@pytest.fixture(scope="module")
def published(van_dyke) -> Merits:
    return auc_merits(*van_dyke)


def test_published_components(published):
    found = components(published)
    expected = (0.00080229, 0.00034661, 0.00034407, 0.00023903, 0.00153500, 0.00020040)
    values = (found.error, found.cov1, found.cov2, found.cov3, found.reader, found.interaction)
    assert values == pytest.approx(expected, abs=5e-9)


def test_published_test_of_the_modalities(published):
    random, fixed = modality_test(published), modality_test(published, "fixed")
    assert random.statistic == pytest.approx(4.46, abs=5e-3)
    assert random.denominator_df == pytest.approx(15.26, abs=5e-3)
    assert random.p_value == pytest.approx(0.0517, abs=5e-5)
    assert (fixed.statistic, fixed.p_value) == (pytest.approx(5.47595, abs=5e-6), pytest.approx(0.0193, abs=5e-5))
    assert (random.numerator_df, fixed.numerator_df, fixed.denominator_df) == (1, 1, math.inf)


@pytest.mark.parametrize(
    ("readers", "expected"),
    [("random", (-0.04380, -0.08796, 0.00036, 0.02075)), ("fixed", (-0.04380, -0.08049, -0.00711, 0.01872))],
)
def test_published_difference(published, readers, expected):
    assert difference(published, 0, 1, readers)[:4] == pytest.approx(expected, abs=5e-6)
    back = difference(published, 1, 0, readers)
    assert (back.low, back.high) == pytest.approx((-expected[2], -expected[1]), abs=5e-6)


def test_published_modalities(published):
    expected = [
        ("random", 0, (0.89703704, 0.82522360, 0.96885048, 0.03317360), 12.74),
        ("random", 1, (0.94083736, 0.89413783, 0.98753689, 0.02156637), 12.71),
        ("fixed", 0, (0.89703704, 0.84943008, 0.94464399, 0.02428971), math.inf),
        ("fixed", 1, (0.94083736, 0.90795637, 0.97371835, 0.01677632), math.inf),
    ]
    for readers, modality, figures, degrees in expected:
        found = modality_value(published, modality, readers)
        assert found[:4] == pytest.approx(figures, abs=5e-9)
        assert found.degrees_of_freedom == pytest.approx(degrees, abs=5e-3)


def test_published_readers(published):
    expected = [
        (-0.02818, -0.07818, 0.02182, 0.02551, 0.2693),
        (-0.04654, -0.09809, 0.00501, 0.02630, 0.0768),
        (-0.01787, -0.07904, 0.04330, 0.03121, 0.5668),
        (-0.02625, -0.06014, 0.00764, 0.01729, 0.1290),
        (-0.10016, -0.18651, -0.01381, 0.04406, 0.0230),
    ]
    for reader, (*figures, p_value) in enumerate(expected):
        found = reader_difference(published, reader, 0, 1)
        assert found[:4] == pytest.approx(figures, abs=5e-6)
        assert found.p_value == pytest.approx(p_value, abs=5e-5)
        assert reader_value(published, reader, 1).value == published.values[1, reader]


def test_it_is_the_analysis_of_jackknife_pseudovalues():
    """With jackknife covariances F is that of Dorfman, Berbaum and Metz, here by statsmodels' repeated measures."""
    rng = np.random.default_rng(5)
    labels, ratings = RoeMetz().draw([1.2, 1.5, 1.8], readers=4, malignant=20, others=25, rng=rng)
    cases = labels.size
    values = auc_merits(labels, ratings).values
    without = np.stack(
        [auc_merits(np.delete(labels, k), np.delete(ratings, k, axis=2)).values for k in range(cases)], axis=2
    )
    pseudo = cases * values[..., None] - (cases - 1) * without
    index = pd.MultiIndex.from_product([range(3), range(4), range(cases)], names=["modality", "reader", "case"])
    table = pd.Series(pseudo.ravel(), index=index, name="value").reset_index()
    anova = AnovaRM(table, "value", "case", within=["modality", "reader"]).fit().anova_table
    by_modality, by_reader = pseudo.mean(axis=(1, 2)), pseudo.mean(axis=(0, 2))
    ms_modality = 4 * cases * ((by_modality - pseudo.mean()) ** 2).sum() / 2
    rest = pseudo.mean(axis=2) - by_modality[:, None] - by_reader + pseudo.mean()
    ms_interaction = cases * (rest**2).sum() / 6
    ms_modality_case = ms_modality / anova.loc["modality", "F Value"]
    ms_error = ms_interaction / anova.loc["modality:reader", "F Value"]
    expected = ms_modality / (ms_interaction + max(ms_modality_case - ms_error, 0))
    assert modality_test(auc_merits(labels, ratings)).statistic == pytest.approx(expected)
    assert ms_modality_case > ms_error  # else the sum has one part only


def test_one_reader_is_as_the_paired_bootstrap_has_it():
    rng = np.random.default_rng(1)
    labels, ratings = RoeMetz().draw([1.2, 1.5], readers=1, malignant=80, others=100, rng=rng)
    scaled = (ratings - ratings.min()) / np.ptp(ratings)
    arms = {
        name: pd.DataFrame({"case": range(180), "patient": range(180), "malignant": labels}).assign(
            case=lambda table: table["case"].astype(str), probability=scaled[index, 0], threshold=0.5
        )
        for index, name in enumerate(("first", "second"))
    }
    drawn = paired_bootstrap(arms, "second", ["auc"], n_resamples=4000, seed=0)
    expected = drawn[drawn["statistic"] == "difference"].iloc[0]
    found = reader_difference(auc_merits(labels, ratings), 0, 0, 1)
    assert found.value == pytest.approx(expected["value"])
    assert found.standard_error == pytest.approx(expected["standard_error"], rel=0.05)
    assert (found.low, found.high) == pytest.approx((expected["low"], expected["high"]), abs=0.006)


def test_size_and_coverage_in_studies_whose_truth_is_known():
    """A fast version of `python -m vdes.experiments.reader_statistics`."""
    rng, model = np.random.default_rng(0), RoeMetz()
    first, second = model.separation(0.80), model.separation(0.85)
    studies, alike, covered, single = 400, 0, 0, 0
    for _ in range(studies):
        labels, ratings = model.draw([first, first, second], readers=5, malignant=40, others=40, rng=rng)
        merits = auc_merits(labels, ratings)
        alike += difference(merits, 0, 1).p_value < 0.05
        found, value = difference(merits, 2, 0), modality_value(merits, 2)
        covered += found.low < 0.05 < found.high
        single += value.low < 0.85 < value.high
    # four standard errors of 400 studies around .05 and .95; the method is somewhat conservative
    assert 0.005 < alike / studies < 0.095
    assert covered / studies > 0.905
    assert single / studies > 0.88


def test_a_third_modality_has_no_part_in_a_difference(van_dyke):
    labels, ratings = van_dyke
    noise = np.random.default_rng(0).integers(1, 6, (1, *ratings.shape[1:]))
    with_noise = auc_merits(labels, np.concatenate([ratings, noise]))
    assert difference(with_noise, 0, 1) == difference(auc_merits(labels, ratings), 0, 1)
    assert modality_test(with_noise).p_value < 0.001


def test_answers_that_never_vary_have_no_interval():
    merits = share_merits(np.ones((2, 3, 10)))
    for found in (difference(merits, 0, 1), modality_value(merits, 0), difference(merits, 0, 1, "fixed")):
        assert np.isnan([found.low, found.high, found.p_value]).all()
    assert math.isnan(modality_test(merits).statistic)


def test_fixed_readers_are_the_normal_test_of_their_mean(published):
    """With the covariances as they are, not averaged, the mean of all readers has nearly the same standard error."""
    contrast = np.concatenate([np.full(5, 0.2), np.full(5, -0.2)])
    exact = math.sqrt(contrast @ published.covariance @ contrast)
    found = difference(published, 0, 1, "fixed")
    assert found.standard_error == pytest.approx(exact)
    assert found.p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(found.value) / exact))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: difference(m, 0, 2), "first, second: expected two of 0 to 1, got 0 and 2"),
        (lambda m: difference(m, 0, 1, "some"), "readers: 'some'; expected one of random, fixed"),
        (lambda m: difference(m, 0, 1, confidence=95), r"confidence: expected a number in \(0, 1\), got 95"),
        (lambda m: modality_value(m, 5), "modality: expected 0 to 1, got 5"),
        (lambda m: reader_value(m, 9, 0), "reader: expected 0 to 4, got 9"),
        (lambda m: modality_test(Merits(m.values[:1], m.covariance[:5, :5])), "two or more to compare, got 1"),
        (
            lambda m: modality_test(Merits(m.values[:, :1], m.covariance[::5, ::5])),
            "one reader cannot stand for others",
        ),
        (lambda m: components(Merits(m.values, m.covariance[:4])), r"merits: expected \(M, R\)"),
        (lambda m: components(Merits(m.values * np.nan, m.covariance)), "merits: expected finite numbers"),
    ],
)
def test_bad_input_is_named(published, call, message):
    with pytest.raises(InputError, match=message):
        call(published)
