from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_bootstrap_mean
from vdes.statistics.classification_metrics import METRICS, classification_metrics
from vdes.statistics.classification_summary import COLUMNS, classification_summary


@pytest.fixture()
def predictions() -> pd.DataFrame:
    """Forty patients with an examination of two breasts each; the pathology of one breast in eight is unknown."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(40):
        malignant = int(number % 2)
        for level, case, laterality in (
            ("breast", f"exam{number}", "L"),
            ("breast", f"exam{number}", "R"),
            ("examination", f"exam{number}", None),
        ):
            unknown = laterality == "R" and number % 4 == 0
            probability = np.clip(0.3 * malignant + 0.7 * rng.random(), 0, 1)
            threshold = 0.4 if number < 20 else 0.6
            rows.append(
                {
                    "level": level,
                    "case": case,
                    "patient": f"P{number}",
                    "laterality": laterality,
                    "malignant": np.nan if unknown else malignant,
                    "probability": probability,
                    "prediction": int(probability >= threshold),
                    "threshold": threshold,
                    "inputs": "low_energy",
                }
            )
    return pd.DataFrame(rows)


def test_values_and_counts(predictions):
    summary = classification_summary(predictions, n_resamples=200)
    assert summary.columns.tolist() == COLUMNS
    assert summary[["level", "metric"]].to_numpy().tolist() == [
        [level, metric] for level in ("breast", "examination") for metric in METRICS
    ]
    for level, n_cases, positives in (("breast", 70, 40), ("examination", 40, 20)):
        rows = summary[summary["level"] == level].set_index("metric")
        known = predictions[(predictions["level"] == level) & predictions["malignant"].notna()]
        expected = classification_metrics(known["malignant"], known["probability"], known["threshold"])
        assert rows["value"].to_dict() == pytest.approx({metric: value[0] for metric, value in expected.items()})
        assert (rows[["cases", "positives", "patients"]] == [n_cases, positives, 40]).all(axis=None)
        assert (rows["low"] <= rows["value"]).all()
        # few cases a bin: the calibration error of a resample is larger than that of the cases
        assert (rows["value"] <= rows["high"]).drop("ece").all()


def test_intervals_are_those_of_resampled_patients(predictions):
    summary = classification_summary(predictions, n_resamples=300, seed=3).set_index(["level", "metric"])
    known = predictions[(predictions["level"] == "breast") & predictions["malignant"].notna()]
    right = known["prediction"] == known["malignant"]
    expected = cluster_bootstrap_mean(right, known["patient"], 300, 3)
    assert summary.loc[("breast", "accuracy"), ["value", "low", "high"]].tolist() == pytest.approx(list(expected))


def test_decisions_come_from_the_thresholds_only_without_a_column_of_them(predictions):
    expected = classification_summary(predictions, n_resamples=50)
    without = classification_summary(predictions.drop(columns="prediction"), n_resamples=50)
    pd.testing.assert_frame_equal(without, expected)
    other = classification_summary(predictions.assign(prediction=1), n_resamples=50)
    assert (other.loc[other["metric"] == "sensitivity", "value"] == 1).all()
    pd.testing.assert_frame_equal(other[other["metric"] == "auc"], expected[expected["metric"] == "auc"])


def test_it_reads_back_from_csv(predictions, tmp_path):
    predictions.to_csv(tmp_path / "predictions.csv", index=False)
    read = classification_summary(pd.read_csv(tmp_path / "predictions.csv"), n_resamples=50)
    pd.testing.assert_frame_equal(read, classification_summary(predictions, n_resamples=50))


def test_an_interval_that_many_resamples_leave_undefined_is_no_interval(predictions):
    # one malignant patient: a third of the resamples is without
    rare = predictions[predictions["level"] == "examination"].assign(malignant=lambda t: t["case"] == "exam3")
    summary = classification_summary(rare, n_resamples=500).set_index("metric")
    undefined = ["f1", "sensitivity", "balanced_accuracy", "mcc", "auc", "pr_auc"]
    assert summary.loc[undefined, ["low", "high"]].isna().all(axis=None)
    assert summary.drop(undefined)[["low", "high"]].notna().all(axis=None)
    assert summary["value"].notna().all()


def test_one_patient_has_values_but_no_intervals(predictions):
    one = predictions[predictions["level"] == "breast"].iloc[2:4].assign(malignant=[0, 1])
    summary = classification_summary(one, n_resamples=20)
    assert summary["value"].notna().all()
    assert summary[["low", "high"]].isna().all(axis=None)


def test_bad_tables_are_named(predictions):
    with pytest.raises(InputError, match="predictions: no rows"):
        classification_summary(predictions.iloc[:0])
    with pytest.raises(InputError, match="predictions: no column `level`"):
        classification_summary(predictions.drop(columns="level"))
    with pytest.raises(InputError, match="`level`: expected one of image, breast, examination, got exam"):
        classification_summary(predictions.replace({"level": {"examination": "exam"}}))
    with pytest.raises(InputError, match="n_resamples: expected 1 or more, got 0"):
        classification_summary(predictions, n_resamples=0)
    for label, count in ((0, 0), (1, 40)):
        mixed = predictions["malignant"].where(predictions["level"] == "breast", label)
        message = f"level examination: expected malignant and other cases, {count} of 40 are malignant"
        with pytest.raises(InputError, match=message):
            classification_summary(predictions.assign(malignant=mixed), n_resamples=20)
    unknown = predictions["malignant"].where(predictions["level"] == "breast")
    with pytest.raises(InputError, match=r"level examination: .*, 0 of 0 are malignant"):
        classification_summary(predictions.assign(malignant=unknown), n_resamples=20)
