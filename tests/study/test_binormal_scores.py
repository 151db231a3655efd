from __future__ import annotations

import numpy as np
import pytest

from vdes.statistics.classification_metrics import METRICS, classification_metrics
from vdes.study.binormal_scores import CASES, BinormalScores, of_auc, of_sensitivity

POPULATION = BinormalScores(of_auc(0.8, 0.7), of_sensitivity(0.9, 0.85), 0.3, *CASES["breast"], 0.5, 0.5)


def test_scores_have_the_values_they_are_made_from() -> None:
    assert (POPULATION.arm.auc, POPULATION.arm.specificity) == pytest.approx((0.8, 0.7))
    assert (POPULATION.reference.sensitivity, POPULATION.reference.specificity) == pytest.approx((0.9, 0.85))


def test_metrics_of_many_patients_are_the_true_ones() -> None:
    drawn = POPULATION.draw(60_000, np.random.default_rng(0))
    for scores, cases in ((POPULATION.arm, drawn.arm), (POPULATION.reference, drawn.reference)):
        found = classification_metrics(cases.malignant, cases.probability, prediction=cases.prediction, metrics=METRICS)
        for name in METRICS:
            assert found[name][0] == pytest.approx(POPULATION.true_metric(name, scores), abs=0.012), name
