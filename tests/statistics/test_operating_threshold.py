from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from vdes.statistics.operating_threshold import best_f1_threshold


def by_brute_force(probability: np.ndarray, malignant: np.ndarray) -> tuple[float, float]:
    """The best F1 of all decisions that a threshold can make, and half-way nearest to one half that makes it."""
    levels = np.concatenate([[0.0], np.unique(probability)])
    halfway = (levels[1:] + levels[:-1]) / 2
    scores = np.array([f1_score(malignant, probability >= threshold) for threshold in halfway])
    best = halfway[scores >= scores.max() - 1e-12]
    return float(scores.max()), float(best[np.abs(best - 0.5).argmin()])


@pytest.mark.parametrize("decimals", [1, 2, 12])  # many ties, some, none
@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_larger_f1(seed, decimals):
    rng = np.random.default_rng(seed)
    malignant = (rng.random(60) < rng.choice([0.1, 0.5, 0.9])).astype(int)
    malignant[0] = 1
    probability = np.clip(rng.normal(0.35 + 0.2 * malignant, 0.2), 0.001, 1).round(decimals)
    best, threshold = by_brute_force(probability, malignant)
    found = best_f1_threshold(probability, malignant)
    assert f1_score(malignant, probability >= found) == pytest.approx(best, abs=1e-12)
    assert found == pytest.approx(threshold, abs=1e-12)


def test_it_lies_half_way_between_separated_classes():
    assert best_f1_threshold([0.1, 0.2, 0.6, 0.9], [0, 0, 1, 1]) == pytest.approx(0.4)


def test_of_equal_ones_that_nearest_to_one_half_is_taken():
    # one case found of two without an error, or both with two errors: F1 is 2/3 both times
    probability, malignant = [0.9, 0.4, 0.35, 0.3], [1, 0, 0, 1]
    assert f1_score(malignant, np.array(probability) >= 0.65) == pytest.approx(2 / 3)
    assert f1_score(malignant, np.array(probability) >= 0.15) == pytest.approx(2 / 3)
    assert best_f1_threshold(probability, malignant) == pytest.approx(0.65)
    assert best_f1_threshold([p - 0.28 for p in probability], malignant) == pytest.approx(0.37)


def test_where_all_are_malignant_all_are_called_so():
    assert best_f1_threshold([0.2, 0.7], [1, 1]) == pytest.approx(0.1)


def test_a_single_probability_calls_everything_malignant():
    assert best_f1_threshold([0.3, 0.3, 0.3], [0, 1, 0]) == pytest.approx(0.15)
    assert best_f1_threshold([0.0, 0.0], [0, 1]) == 0.0
