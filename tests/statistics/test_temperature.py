from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from vdes.statistics.temperature import RANGE, fitted_temperature


def simulated(temperature: float, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are to be divided by ``temperature``, and labels drawn by the probabilities then."""
    rng = np.random.default_rng(seed)
    logit = temperature * rng.normal(-0.5, 2.0, n)
    return logit, (rng.random(n) < expit(logit / temperature)).astype(int)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_a_known_temperature_is_found(temperature):
    logit, malignant = simulated(temperature, 40_000)
    assert fitted_temperature(logit, malignant) == pytest.approx(temperature, rel=0.03)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_one_over_the_coefficient_of_logistic_regression(seed):
    logit, malignant = simulated(2.5, 120, seed)
    regression = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8).fit(logit[:, None], malignant)
    assert fitted_temperature(logit, malignant) == pytest.approx(1 / regression.coef_[0, 0], rel=1e-3)


def test_no_other_temperature_has_less_cross_entropy():
    logit, malignant = simulated(3.0, 60)
    found = log_loss(malignant, expit(logit / fitted_temperature(logit, malignant)))
    assert found < log_loss(malignant, expit(logit)) - 0.05
    for temperature in np.geomspace(*RANGE, 200):
        assert found <= log_loss(malignant, expit(logit / temperature)) + 1e-8


def test_the_roc_and_decisions_at_one_half_stay():
    logit, malignant = simulated(3.0, 200)
    scaled = logit / fitted_temperature(logit, malignant)
    assert roc_auc_score(malignant, scaled) == roc_auc_score(malignant, logit)
    assert np.array_equal(expit(scaled) >= 0.5, expit(logit) >= 0.5)


def test_separated_classes_and_reversed_ones_get_the_ends_of_the_range():
    logit = np.array([-3.0, -1.0, 1.0, 2.0])
    assert fitted_temperature(logit, [0, 0, 1, 1]) == pytest.approx(RANGE[0], rel=1e-3)
    assert fitted_temperature(-logit, [0, 0, 1, 1]) == pytest.approx(RANGE[1], rel=1e-3)


def test_logits_beyond_the_exponential_are_no_overflow():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert RANGE[0] <= fitted_temperature([-5000.0, 4000.0, -3000.0, 10.0], [0, 1, 1, 0]) <= RANGE[1]
