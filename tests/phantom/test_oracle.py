import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm
from sklearn.metrics import roc_auc_score

from vdes.phantom.latents import Knobs
from vdes.phantom.oracle import IMAGES, closed_form_auc, log_likelihood_ratio, oracle_table


def _breasts(knobs, count, seed=0, normal=0):
    rng = np.random.default_rng(seed)
    malignant = rng.random(count) < 0.5
    first, second = rng.standard_normal((2, count))
    second = knobs.coupling * first + np.sqrt(1 - knobs.coupling**2) * second
    lesions = pd.DataFrame(
        {
            "pathology": np.where(malignant, "malignant", "benign"),
            "morphology_score": knobs.morphology_dprime * malignant + first,
            "enhancement_score": knobs.enhancement_dprime * malignant + second,
        }
    )
    return pd.concat([lesions, pd.DataFrame({"pathology": ["normal"] * normal})], ignore_index=True)


@pytest.mark.parametrize("dprime", [0.0, 0.5, 1.4, 2.5])
def test_closed_form_of_one_score(dprime):
    knobs = Knobs(dprime, 1.0, 0.3)
    assert closed_form_auc(knobs, "low_energy") == pytest.approx(norm.cdf(dprime / np.sqrt(2)))
    assert closed_form_auc(Knobs(1.0, dprime, 0.3), "des") == pytest.approx(norm.cdf(dprime / np.sqrt(2)))


@pytest.mark.parametrize("knobs", [Knobs(1.4, 1.4, 0.5), Knobs(0.5, 2.0, 0.0), Knobs(2.0, 1.0, 0.9)])
def test_observed_area_agrees_with_the_closed_form(knobs):
    breasts = _breasts(knobs, 40000)
    table = oracle_table(breasts, knobs).set_index(["task", "images"])
    for images in IMAGES:
        row = table.loc[("lesions", images)]
        assert row["auc"] == pytest.approx(row["closed_form_auc"], abs=0.01)
        # equal shares: the F1 of the likelihood ratio at 0 has a closed form too
        hit = norm.cdf(norm.ppf(row["closed_form_auc"]) / np.sqrt(2))
        assert row["f1"] == pytest.approx(2 * hit / (1 + hit + 1 - hit), abs=0.01)


def test_ratio_is_that_of_the_densities():
    knobs = Knobs(1.7, 0.9, 0.4)
    scores = np.random.default_rng(0).normal(size=(50, 2))
    covariance = [[1, 0.4], [0.4, 1]]
    expected = multivariate_normal([1.7, 0.9], covariance).logpdf(scores) - multivariate_normal(
        [0, 0], covariance
    ).logpdf(scores)
    assert log_likelihood_ratio(scores[:, 0], scores[:, 1], knobs, "both") == pytest.approx(expected)
    expected = norm.logpdf(scores[:, 1] - 0.9) - norm.logpdf(scores[:, 1])
    assert log_likelihood_ratio(scores[:, 0], scores[:, 1], knobs, "des") == pytest.approx(expected)


def test_full_coupling():
    # equal distances: the second score says nothing new
    same = Knobs(1.4, 1.4, 1.0)
    assert closed_form_auc(same, "both") == closed_form_auc(same, "low_energy")
    breasts = _breasts(same, 2000)
    table = oracle_table(breasts, same).set_index(["task", "images"])["auc"]
    assert table["lesions", "both"] == pytest.approx(table["lesions", "low_energy"])
    # unequal ones: their difference tells the class
    unequal = Knobs(1.0, 2.0, 1.0)
    assert closed_form_auc(unequal, "both") == 1.0
    breasts = _breasts(unequal, 500)
    ratio = log_likelihood_ratio(breasts["morphology_score"], breasts["enhancement_score"], unequal, "both")
    assert roc_auc_score(breasts["pathology"] == "malignant", ratio) == 1.0


def test_normal_breasts_count_as_negatives_the_observer_is_sure_of():
    knobs = Knobs(1.4, 1.4, 0.5)
    breasts = _breasts(knobs, 400, normal=200)
    table = oracle_table(breasts, knobs).set_index(["task", "images"])
    lesions, all_breasts = table.loc[("lesions", "des")], table.loc[("breasts", "des")]
    assert (lesions["n"], all_breasts["n"]) == (400, 600)
    benign = lesions["n"] - lesions["malignant"]
    assert all_breasts["auc"] == pytest.approx((benign * lesions["auc"] + 200) / (benign + 200))
    assert all_breasts["f1"] == lesions["f1"]


def test_one_class_alone_has_no_area():
    breasts = _breasts(Knobs(1, 1, 0), 30)
    table = oracle_table(breasts[breasts["pathology"] == "benign"], Knobs(1, 1, 0))
    assert table["auc"].isna().all()
    assert table["f1"].isna().all()
