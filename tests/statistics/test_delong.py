from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from vdes.errors import InputError
from vdes.statistics.delong import delong_covariance, delong_test

# Albumin, total protein, 10 minus the K-G score, and whether surgery helped: the patients with ovarian cancer of DeLong
# et al. 1988 that have all three tests, as listed in the SAS/STAT User's Guide, "The LOGISTIC Procedure", "Comparing
# Receiver Operating Characteristic Curves"; the expected figures are of that example's output.
OVARIAN_CANCER = """
3.0 5.8 10 0   3.2 6.3 5 1   3.9 6.8 3 1   2.8 4.8 6 0   3.2 5.8 3 1   0.9 4.0 5 0   2.5 5.7 8 0   1.6 5.6 5 1
3.8 5.7 5 1   3.7 6.7 6 1   3.2 5.4 4 1   3.8 6.6 6 1   4.1 6.6 5 1   3.6 5.7 5 1   4.3 7.0 4 1   3.6 6.7 4 0
2.3 4.4 6 1   4.2 7.6 4 0   4.0 6.6 6 0   3.5 5.8 6 1   3.8 6.8 7 1   3.0 4.7 8 0   4.5 7.4 5 1   3.7 7.4 5 1
3.1 6.6 6 1   4.1 8.2 6 1   4.3 7.0 5 1   4.3 6.5 4 1   3.2 5.1 5 1   2.6 4.7 6 1   3.3 6.8 6 0   1.7 4.0 7 0
3.7 6.1 5 1   3.3 6.3 7 1   4.2 7.7 6 1   3.5 6.2 5 1   2.9 5.7 9 0   2.1 4.8 7 1   2.8 6.2 8 0   4.0 7.0 7 1
3.3 5.7 6 1   3.7 6.9 5 1   3.6 6.6 5 1
"""


@pytest.fixture(scope="module")
def ovarian_cancer() -> tuple[np.ndarray, np.ndarray]:
    """Whether surgery helped, and albumin, K-G score and total protein."""
    albumin, protein, score, helped = np.array(OVARIAN_CANCER.split(), dtype=float).reshape(-1, 4).T
    return helped, np.stack([albumin, 10 - score, protein])


def structural_components(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The definition of DeLong et al.: every malignant case against every other one."""
    x, y = scores[:, labels == 1], scores[:, labels == 0]
    kernel = (x[:, :, None] > y[:, None, :]) + 0.5 * (x[:, :, None] == y[:, None, :])
    areas, v10, v01 = kernel.mean(axis=(1, 2)), kernel.mean(axis=2), kernel.mean(axis=1)
    s10, s01 = (
        np.array(
            [
                [((v[i] - areas[i]) * (v[j] - areas[j])).sum() / (v.shape[1] - 1) for j in range(len(v))]
                for i in range(len(v))
            ]
        )
        for v in (v10, v01)
    )
    return areas, s10 / x.shape[1] + s01 / y.shape[1]


def test_published_example(ovarian_cancer):
    helped, scores = ovarian_cancer
    areas, covariance = delong_covariance(helped, scores)
    assert areas == pytest.approx([0.7366, 0.7258, 0.6478], abs=5e-5)
    assert np.sqrt(np.diag(covariance)) == pytest.approx([0.0927, 0.1028, 0.1000], abs=5e-5)
    contrast = np.array([[1, -1, 0], [0, -1, 1]])
    chi_square = contrast @ areas @ np.linalg.inv(contrast @ covariance @ contrast.T) @ contrast @ areas
    assert chi_square == pytest.approx(2.5340, abs=5e-5)
    albumin, score, protein = scores
    for against, expected in ((albumin, (0.0108, 0.0953, 0.9102)), (protein, (-0.0780, 0.1046, 0.4561))):
        test = delong_test(helped, against, score)
        assert (test.difference, test.standard_error, test.p_value) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("levels", [5, 1000])
def test_midranks_are_the_structural_components(levels):
    rng = np.random.default_rng(levels)
    labels = rng.integers(2, size=70)
    scores = np.round(levels * (0.3 * labels + rng.random((4, 70)))) / levels
    areas, covariance = delong_covariance(labels, scores)
    expected_areas, expected_covariance = structural_components(labels, scores)
    assert areas == pytest.approx(expected_areas)
    assert areas == pytest.approx([sklearn.metrics.roc_auc_score(labels, score) for score in scores])
    assert covariance == pytest.approx(expected_covariance)


def test_the_interval_and_the_p_value_agree():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=100)
    first, second = 0.5 * labels + rng.random((2, 100))
    test = delong_test(labels, first, second)
    assert test.difference == pytest.approx(test.first - test.second)
    assert (test.low, test.high) == pytest.approx(
        scipy.stats.norm.interval(0.95, loc=test.difference, scale=test.standard_error)
    )
    # at the level 1 - p the interval touches 0
    touching = delong_test(labels, first, second, level=1 - test.p_value)
    assert min(abs(touching.low), abs(touching.high)) == pytest.approx(0, abs=1e-12)
    back = delong_test(labels, second, first)
    assert (back.z, back.p_value) == pytest.approx((-test.z, test.p_value))


def test_equal_ranks_do_not_differ():
    labels, scores = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    test = delong_test(labels, scores, scores**2)
    assert (test.difference, test.z, test.p_value) == (0, 0, 1)


def test_areas_without_variance_that_differ_do_so_surely():
    test = delong_test([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.9, 0.8, 0.2, 0.1])
    assert (test.difference, test.z, test.p_value) == (1, np.inf, 0)


@pytest.mark.slow
def test_it_rejects_equal_areas_as_often_as_it_says():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    p_values = []
    for _ in range(4000):
        shared, own, other = rng.standard_normal((3, 120))
        p_values.append(delong_test(labels, labels + shared + own, labels + shared + other).p_value)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.01)
    assert np.mean(np.array(p_values) < 0.5) == pytest.approx(0.5, abs=0.025)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1, 1], [1, 2], [1, 2]), r"malignant, scores: expected \(N,\) and \(A, N\)"),
        (([0, 1], [1, 2], [1, 2, 3]), r"first, second: expected \(N,\) and \(N,\), got \(2,\) and \(3,\)"),
        (([0, 0, 1, 2], [1, 2, 3, 4], [1, 2, 3, 4]), "expected labels of 0 or 1 and finite scores"),
        (([0, 0, 1, 1], [1, 2, 3, np.nan], [1, 2, 3, 4]), "expected labels of 0 or 1 and finite scores"),
        (([0, 0, 0, 1], [1, 2, 3, 4], [1, 2, 3, 4]), "two or more of each class, got 1 of 1 and 3 of 0"),
        (([0, 0, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4], 95), r"level: expected a number in \(0, 1\), got 95"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        delong_test(*arguments)
