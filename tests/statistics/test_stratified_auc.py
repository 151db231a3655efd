from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from vdes.errors import InputError
from vdes.statistics.auc_within_folds import auc_within_folds
from vdes.statistics.stratified_auc import stratified_auc


def table(malignant: np.ndarray, probability: np.ndarray, cases: int = 1) -> pd.DataFrame:
    count = len(malignant)
    return pd.DataFrame(
        {
            "level": "examination",
            "case": [f"E{i}" for i in range(count)],
            "patient": [f"P{i // cases}" for i in range(count)],
            "malignant": malignant.astype(float),
            "probability": probability,
            "threshold": 0.5,
        }
    )


def test_what_strata_share_adds_nothing():
    rng = np.random.default_rng(0)
    usual, inside = [], []
    for _ in range(50):
        malignant = rng.integers(0, 2, 200)
        images = np.where(rng.random(200) < np.where(malignant, 0.8, 0.3), 4, 1)  # malignant ones have more images
        blind = np.array([rng.random(count).max() for count in images])  # the highest of so many meaningless numbers
        usual.append(roc_auc_score(malignant, blind))
        inside.append(stratified_auc(table(malignant, blind), images.tolist(), 1)["value"])
    assert np.mean(usual) > 0.6
    assert np.mean(inside) == pytest.approx(0.5, abs=0.02)


def test_one_stratum_is_the_usual_area_and_several_are_its_mean_by_pairs():
    rng = np.random.default_rng(1)
    malignant = rng.integers(0, 2, 90)
    probability = np.round(rng.random(90) * 0.7 + 0.3 * malignant, 1)  # with ties
    predictions = table(malignant, probability)
    one = stratified_auc(predictions, ["all"] * 90, 500)
    assert one["value"] == pytest.approx(roc_auc_score(malignant, probability))
    [same] = auc_within_folds([predictions], 500).to_dict("records")  # the library's interval, by the same resamples
    assert (one["low"], one["high"]) == pytest.approx((same["low"], same["high"]))
    strata = rng.integers(0, 3, 90)
    areas, pairs = [], []
    for k in range(3):
        inside = strata == k
        areas.append(roc_auc_score(malignant[inside], probability[inside]))
        pairs.append(malignant[inside].sum() * (1 - malignant[inside]).sum())
    several = stratified_auc(predictions, strata.tolist(), 10)
    assert several["value"] == pytest.approx(np.average(areas, weights=pairs))
    assert several["pairs"] == sum(pairs)


def test_unknown_pathologies_are_left_out_and_lengths_must_match():
    predictions = table(np.array([0, 1, 1]), np.array([0.2, 0.1, 0.9]))
    predictions.loc[1, "malignant"] = np.nan
    assert stratified_auc(predictions, [1, 1, 1], 10)["value"] == 1.0
    apart = stratified_auc(predictions, [1, 1, 2], 10)
    assert np.isnan(apart["value"]) and apart["pairs"] == 0
    with pytest.raises(InputError, match="expected 3, one per case, got 2"):
        stratified_auc(predictions, [1, 1])
