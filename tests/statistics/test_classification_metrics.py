from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from vdes.errors import InputError
from vdes.statistics.classification_metrics import ECE_BINS, METRICS, classification_metrics

SKLEARN_OF_DECISIONS = {
    "f1": sklearn.metrics.f1_score,
    "sensitivity": sklearn.metrics.recall_score,
    "specificity": lambda labels, called, **kwargs: sklearn.metrics.recall_score(labels, called, pos_label=0, **kwargs),
    "balanced_accuracy": sklearn.metrics.balanced_accuracy_score,
    "accuracy": sklearn.metrics.accuracy_score,
    "mcc": sklearn.metrics.matthews_corrcoef,
}
SKLEARN_OF_PROBABILITIES = {
    "auc": sklearn.metrics.roc_auc_score,
    "pr_auc": sklearn.metrics.average_precision_score,
    "brier": sklearn.metrics.brier_score_loss,
}


def cases(n: int, ties: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that are worth something; on a grid of eighths if there are to be ties."""
    rng = np.random.default_rng(seed)
    malignant = rng.integers(2, size=n)
    probability = np.clip(0.25 * malignant + rng.random(n) * 0.75, 0, 1)
    return malignant, np.round(probability * 8) / 8 if ties else probability


def resamples(n: int, n_resamples: int = 20) -> np.ndarray:
    return np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=n_resamples)


@pytest.mark.parametrize("ties", [False, True])
def test_values_are_those_of_scikit_learn(ties):
    malignant, probability = cases(80, ties)
    values = classification_metrics(malignant, probability, threshold=0.5)
    assert list(values) == list(METRICS)
    for name, value in values.items():
        assert value.shape == (1,), name
    for name, metric in SKLEARN_OF_DECISIONS.items():
        assert values[name][0] == pytest.approx(metric(malignant, probability >= 0.5)), name
    for name, metric in SKLEARN_OF_PROBABILITIES.items():
        assert values[name][0] == pytest.approx(metric(malignant, probability)), name


@pytest.mark.parametrize("ties", [False, True])
def test_weighted_values_are_those_of_scikit_learn(ties):
    malignant, probability = cases(80, ties)
    weights = np.concatenate([resamples(80), np.random.default_rng(2).random((5, 80))])
    values = classification_metrics(malignant, probability, 0.5, weights)
    for r, weight in enumerate(weights):
        for name, metric in SKLEARN_OF_DECISIONS.items():
            expected = metric(malignant, probability >= 0.5, sample_weight=weight)
            assert values[name][r] == pytest.approx(expected), name
        for name, metric in SKLEARN_OF_PROBABILITIES.items():
            assert values[name][r] == pytest.approx(metric(malignant, probability, sample_weight=weight)), name


@pytest.mark.parametrize("ties", [False, True])
def test_a_weight_is_as_many_equal_cases(ties):
    malignant, probability = cases(30, ties)
    threshold = np.where(np.arange(30) < 15, 0.4, 0.6)
    weights = resamples(30)
    values = classification_metrics(malignant, probability, threshold, weights)
    for r, weight in enumerate(weights):
        repeated = classification_metrics(*(np.repeat(x, weight) for x in (malignant, probability, threshold)))
        assert {name: value[r] for name, value in values.items()} == pytest.approx(
            {name: value[0] for name, value in repeated.items()}
        )


def test_calibration_error_by_hand():
    # bins [0, .1), [.3, .4) and [.9, 1]: |.05 - .5| of 2 cases, |.3 - 0| of 1, |.95 - 1| of 2; their mean over 5 cases
    malignant, probability = [0, 1, 0, 1, 1], [0.0, 0.1 - 1e-9, 0.3, 0.9, 1.0]
    values = classification_metrics(malignant, probability, metrics=["ece", "calibration_in_the_large"])
    assert values["ece"][0] == pytest.approx((2 * 0.45 + 0.3 + 2 * 0.05) / 5)
    assert values["calibration_in_the_large"][0] == pytest.approx(2.3 / 5 - 3 / 5)
    assert ECE_BINS == 10


def test_decisions_may_be_given_and_the_threshold_is_inclusive():
    malignant, probability = [0, 0, 1, 1], [0.1, 0.5, 0.5, 0.9]
    values = classification_metrics(malignant, probability, 0.5, metrics=["sensitivity", "specificity"])
    assert (values["sensitivity"][0], values["specificity"][0]) == (1, 0.5)
    given = classification_metrics(malignant, probability, prediction=[1, 1, 0, 0], metrics=["accuracy", "auc"])
    assert (given["accuracy"][0], given["auc"][0]) == (0, 0.875)


def test_a_resample_without_the_cases_that_a_metric_needs_is_undefined():
    # only malignant, only others, nobody
    weights = [[0, 0, 2, 1], [1, 3, 0, 0], [0, 0, 0, 0]]
    values = classification_metrics([0, 0, 1, 1], [0.2, 0.7, 0.6, 0.4], 0.5, weights)
    defined = {name: (~np.isnan(value)).tolist() for name, value in values.items()}
    for name in ("f1", "sensitivity", "pr_auc"):
        assert defined.pop(name) == [True, False, False]
    assert defined.pop("specificity") == [False, True, False]
    for name in ("balanced_accuracy", "mcc", "auc"):
        assert defined.pop(name) == [False, False, False]
    for name in ("accuracy", "brier", "ece", "calibration_in_the_large"):
        assert defined.pop(name) == [True, True, False]
    assert not defined


def test_decisions_that_are_all_alike_correlate_with_nothing():
    for threshold in (0, 1.1):
        values = classification_metrics([0, 1, 1], [0.2, 0.7, 0.6], threshold)
        assert values["mcc"][0] == 0
        assert values["balanced_accuracy"][0] == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), r"probability: expected \(N,\)"),
        (([0, 1], [0.2, 1.2]), r"probability: expected values in \[0, 1\], got 1.2 for case 1"),
        (([0, 1], [np.nan, 0.2]), r"probability: expected values in \[0, 1\], got nan for case 0"),
        (([0, 1, 1], [0.2, 0.3]), r"malignant and probability: shapes differ, \(3,\) and \(2,\)"),
        (([0, 2], [0.2, 0.3]), "malignant: expected 0 or 1, got 2.0 for case 1"),
        (([0, 1], [0.2, 0.3], [0.5, 0.5, 0.5]), "threshold: expected a finite number"),
        (([0, 1], [0.2, 0.3], np.nan), "threshold: expected a finite number"),
        (([0, 1], [0.2, 0.3], 0.5, [1, 1]), r"weights: expected \(R, 2\), got \(2,\)"),
        (([0, 1], [0.2, 0.3], 0.5, [[1, -1]]), "weights: expected finite numbers of 0 or more"),
        (([0, 1], [0.2, 0.3], 0.5, [[1, np.nan]]), "weights: expected finite numbers of 0 or more"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        classification_metrics(*arguments)


def test_bad_choices_are_named():
    with pytest.raises(InputError, match=r"prediction: expected 0 or 1, got 0.5 for case 0"):
        classification_metrics([0, 1], [0.2, 0.3], prediction=[0.5, 1])
    with pytest.raises(InputError, match=r"metrics: expected some of f1, .* got kappa"):
        classification_metrics([0, 1], [0.2, 0.3], metrics=["auc", "kappa"])
