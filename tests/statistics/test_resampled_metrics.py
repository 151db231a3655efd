from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
