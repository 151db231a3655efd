from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from sklearn.metrics import f1_score, recall_score, roc_auc_score

from vdes.experiments.known_scores import AUC, LEVELS, WITHIN, KnownScores
from vdes.study.binormal_scores import CASES

METRICS = {
    "f1": lambda table: f1_score(table["malignant"], table["prediction"]),
    "sensitivity": lambda table: recall_score(table["malignant"], table["prediction"]),
    "auc": lambda table: roc_auc_score(table["malignant"], table["probability"]),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("metric", METRICS)
def test_metrics_of_many_patients_are_the_true_ones(level: str, metric: str) -> None:
    scores = KnownScores(level, metric, -0.05, 0.6)
    drawn = scores.draw(40_000, np.random.default_rng(3)).tables()
    found = {arm: METRICS[metric](table) for arm, table in drawn.items()}
    population = scores.population
    reference = population.true_metric(metric, population.reference)
    assert found["reference"] == pytest.approx(reference, abs=0.008)
    assert found["arm"] - found["reference"] == pytest.approx(-0.05, abs=0.006)
    if metric == "auc":
        assert reference == pytest.approx(AUC)


def test_scores_correlate_between_arms_and_within_patients() -> None:
    drawn = KnownScores("image", "f1", 0.0, 0.6).draw(20_000, np.random.default_rng(0)).tables()
    others = drawn["arm"].groupby("patient")["malignant"].transform("max") == 0
    arm, reference = (ndtri(drawn[name].loc[others, "probability"]).to_numpy() for name in ("arm", "reference"))
    assert np.corrcoef(arm, reference)[0, 1] == pytest.approx(0.6, abs=0.02)
    images = arm.reshape(-1, 4)
    assert np.corrcoef(images[:, 0], images[:, 3])[0, 1] == pytest.approx(WITHIN, abs=0.02)


def test_a_malignant_patient_has_as_many_malignant_cases_as_stated() -> None:
    for level, (cases, malignant) in CASES.items():
        drawn = KnownScores(level, "auc", 0.0, 0.5).draw(50, np.random.default_rng(1)).tables()
        by_patient = drawn["arm"].groupby("patient")["malignant"]
        assert set(by_patient.count()) == {cases}
        assert set(by_patient.sum()) == {0, malignant}
        pd.testing.assert_series_equal(drawn["arm"]["malignant"], drawn["reference"]["malignant"])


def test_both_classes_are_drawn_however_few_the_patients() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = KnownScores("examination", "f1", 0.0, 0.5).draw(2, rng).tables()
        assert drawn["arm"]["malignant"].nunique() == 2
