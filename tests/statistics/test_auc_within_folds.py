from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from vdes.statistics.auc_within_folds import auc_within_folds


def fold(k: int, offset: float, patients: int = 60, cases: int = 1, level: str = "image") -> pd.DataFrame:
    """Scores of two normal distributions a standard deviation apart, on a scale of the fold's own."""
    rng = np.random.default_rng(k)
    malignant = np.repeat(np.arange(patients) % 2, cases)
    score = rng.standard_normal(patients * cases) + malignant + offset
    return pd.DataFrame(
        {
            "level": level,
            "case": [f"f{k}_{i}" for i in range(len(score))],
            "patient": [f"f{k}_P{i // cases}" for i in range(len(score))],
            "laterality": "L",
            "malignant": malignant,
            "probability": norm.cdf(score),
            "threshold": 0.5,
        }
    )


def test_it_is_the_mean_of_the_folds_areas_whatever_their_scales():
    folds = [fold(k, offset) for k, offset in enumerate((-1.0, 0.0, 1.0))]
    [row] = auc_within_folds(folds, 200).to_dict("records")
    areas = [roc_auc_score(one["malignant"], one["probability"]) for one in folds]
    assert row["value"] == pytest.approx(np.mean(areas))
    pooled = pd.concat(folds)
    assert row["value"] > roc_auc_score(pooled["malignant"], pooled["probability"]) + 0.05
    assert (row["level"], row["cases"], row["patients"]) == ("image", 180, 180)


def test_the_interval_has_the_width_of_independent_folds():
    folds = [fold(k, 0.0, patients=200) for k in range(4)]
    [row] = auc_within_folds(folds, 1000).to_dict("records")
    errors = []
    for one in folds:  # Hanley and McNeil, Radiology 143:29, 1982
        area, count = roc_auc_score(one["malignant"], one["probability"]), 100
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
        errors.append((area * (1 - area) + (count - 1) * (q1 + q2 - 2 * area**2)) / count**2)
    expected = 2 * 1.96 * np.sqrt(np.sum(errors)) / 4
    assert row["high"] - row["low"] == pytest.approx(expected, rel=0.15)
    assert row["low"] < row["value"] < row["high"]
    # a level that a fold lacks is left out
    assert auc_within_folds([*folds, fold(5, 0.0, level="breast")], 10).empty


def test_patients_are_drawn_with_all_of_their_cases():
    single = [fold(k, 0.0) for k in range(2)]
    twice = [
        pd.concat([one, one.assign(case=one["case"] + "_again")], ignore_index=True) for one in single
    ]  # twins add nothing
    one, other = (auc_within_folds(folds, 400).iloc[0] for folds in (single, twice))
    assert other["value"] == pytest.approx(one["value"])
    assert other["high"] - other["low"] == pytest.approx(one["high"] - one["low"], rel=1e-6)
    assert (other["cases"], other["patients"]) == (240, 120)
