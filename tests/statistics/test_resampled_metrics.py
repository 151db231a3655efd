from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vdes.statistics.bootstrap import cluster_bootstrap_weights, percentile_interval
from vdes.statistics.classification_metrics import METRICS, classification_metrics
from vdes.statistics.resampled_metrics import resampled_metrics


@pytest.fixture()
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    malignant = rng.integers(2, size=40)
    probability = rng.random(40)
    return pd.DataFrame(
        {
            "patient": np.arange(40) // 2,
            "malignant": malignant,
            "probability": probability,
            "prediction": probability >= 0.4,
        }
    )


def test_every_resample_holds_whole_patients(table):
    values, resampled = resampled_metrics({"arm": table}, METRICS, 30, seed=5)
    expected = classification_metrics(table["malignant"], table["probability"], 0.4)
    assert values == pytest.approx({("arm", name): value[0] for name, value in expected.items()})
    drawn = np.random.default_rng(5).integers(20, size=(30, 20))
    for r, patients in enumerate(drawn):
        rows = pd.concat([table[table["patient"] == patient] for patient in patients])
        again = classification_metrics(rows["malignant"], rows["probability"], 0.4)
        assert {name: resampled["arm", name][r] for name in METRICS} == pytest.approx(
            {name: value[0] for name, value in again.items()}
        )


def test_arms_are_resampled_alike(table):
    _, resampled = resampled_metrics({"one": table, "other": table}, ("auc",), 30, seed=0)
    assert np.array_equal(resampled["one", "auc"], resampled["other", "auc"])
    assert len(np.unique(resampled["one", "auc"])) > 20


def test_one_patient_does_not_vary(table):
    values, resampled = resampled_metrics({"arm": table.assign(patient="P1")}, ("auc",), 30, seed=0)
    assert np.isfinite(values["arm", "auc"])
    assert np.isnan(resampled["arm", "auc"]).all()


@pytest.mark.slow
def test_intervals_cover_the_true_metrics_as_often_as_they_say_and_cases_taken_alone_do_not():
    # scores of a patient's one to four cases share half of their variance; a third of the patients is malignant
    n_sets, n_patients, shift, threshold, share = 1500, 200, 1.2, 0.7, 1 / 3
    metrics = ("auc", "f1")
    found, called_wrongly = scipy.stats.norm.sf([threshold - shift, threshold])
    truth = {
        "auc": scipy.stats.norm.cdf(shift / np.sqrt(2)),
        "f1": 2 * share * found / (share * found + share + (1 - share) * called_wrongly),
    }
    rng = np.random.default_rng(0)
    covered = {by: dict.fromkeys(metrics, 0) for by in ("patient", "case")}
    for _ in range(n_sets):
        patients = np.repeat(np.arange(n_patients), rng.integers(1, 5, size=n_patients))
        malignant = (rng.random(n_patients) < share)[patients]
        noise = (rng.standard_normal(n_patients)[patients] + rng.standard_normal(len(patients))) / np.sqrt(2)
        probability = scipy.stats.norm.cdf(shift * malignant + noise)
        limit = scipy.stats.norm.cdf(threshold)
        for by, clusters in (("patient", patients), ("case", np.arange(len(patients)))):
            (weights,) = cluster_bootstrap_weights(clusters, n_resamples=400)
            resampled = classification_metrics(malignant, probability, limit, weights, metrics=metrics)
            for metric in metrics:
                _, low, high = percentile_interval(np.nan, resampled[metric])
                covered[by][metric] += low <= truth[metric] <= high
    for metric in metrics:
        assert 0.93 <= covered["patient"][metric] / n_sets <= 0.97, metric
        assert covered["case"][metric] / n_sets < 0.9, metric
