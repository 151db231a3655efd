from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vdes.experiments.card_tables import classification_tables, joint_tables, learning_table
from vdes.handlers.classification_handler import classification_result
from vdes.statistics.classification_summary import classification_summary
from vdes.statistics.paired_bootstrap import paired_bootstrap

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
SPLIT = {"method": "hold-out", "seed": 3}


@pytest.fixture
def predictions() -> pd.DataFrame:
    """Twenty patients with one image each, four of them on the wrong side."""
    rng = np.random.default_rng(0)
    malignant = np.arange(20) % 2
    probability = np.clip(
        np.where(np.arange(20) < 16, malignant, 1 - malignant) * 0.6 + 0.2 + 0.1 * rng.random(20), 0, 1
    )
    return pd.DataFrame(
        {
            "level": "image",
            "case": [f"c{i}" for i in range(20)],
            "patient": [f"p{i}" for i in range(20)],
            "laterality": "L",
            "malignant": malignant,
            "probability": probability,
            "threshold": 0.5,
            "prediction": (probability >= 0.5).astype(int),
        }
    )


def test_a_classifiers_card_has_folds_weights_and_operating_points(predictions):
    summary = classification_summary(predictions, 200)
    source = {"data": "toy", "section": "test", "split": SPLIT, "weights_sha256": "0123456789abcdef", "inputs": "des"}
    made = {"data": "toy", "inputs": "des", "folds_sha256": ["a", "b", "c"]}
    text = classification_tables(
        {
            "folds": classification_result(summary, made, 200, 0)
            | {
                "auc_of_each": [{"image": 0.8}, {"image": 0.9}],
                "auc_within_folds": [{"level": "image", "value": 0.85, "low": 0.7, "high": 0.95}],
                "auc_examination_alike": {"value": 0.75, "low": 0.6, "high": 0.9, "pairs": 41},
            },
            "test": {"des": classification_result(summary, source, 200, 0)},
            "calibration": {"levels": ["image"], "temperature": [1.5], "threshold": [0.25]},
        }
    )
    assert "test patients of all 3 folds" in text and "sha256 0123456789ab)" in text
    assert "image 1.50, 0.250" in text
    assert "their mean (interval; each): image 0.850 (0.700 to 0.950; 0.800, 0.900)." in text
    assert "as many images are compared: 0.750 (0.600 to 0.900), 41 pairs." in text
    assert text.count("20 (10) of 20") == 2
    assert text.count("| F1 ") == 2 and "0.800 (" in text  # 16 of 20 are right, 8 of 10 in each class


def test_a_learning_curve_has_a_line_a_number_of_patients():
    def point(patients: list[int], auc: float) -> dict[str, Any]:
        within = [
            {"level": level, "value": auc, "low": auc - 0.1, "high": auc + 0.1, "patients": 30}
            for level in ("image", "examination")
        ]
        return {
            "patients": patients,
            "auc_within_folds": within,
            "auc_examination_alike": {"value": 0.5, "low": 0.4, "high": 0.6},
        }

    points = [point([10, 10], 0.7), point([19, 21], 0.8)]
    text = learning_table({"data": "toy", "inputs": "des", "points": points})
    assert "mean inside 2 folds, on the same 30 test patients" in text
    assert "| training patients | image | examination | examinations with as many images |" in text
    assert "| 10 | 0.700 (0.600 to 0.800) | 0.700 (0.600 to 0.800) | 0.500 (0.400 to 0.600) |" in text
    assert "| 19 to 21 | 0.800 (" in text


def test_a_joint_card_has_all_arms_and_their_differences(predictions):
    right = predictions.assign(prediction=predictions["malignant"])
    arms = {"frozen": right.assign(prediction=0), "apart": predictions, "joint": right}
    compared = paired_bootstrap(arms, "apart", ("f1", "auc"), n_resamples=200).assign(level="image")
    compared["each"] = [[value, value] for value in compared["value"]]
    fidelity = [
        {"arm": arm, "metric": "psnr_breast", "statistic": statistic, "value": value, "low": value, "high": value}
        | {"each": [value - 0.1, value + 0.1], "cases": 20, "patients": 20}
        for arm, statistic, value in (
            ("frozen", "value", 24.0),
            ("frozen", "difference", -1.0),
            ("apart", "value", 25.0),
            ("joint", "value", 24.5),
            ("joint", "difference", -0.5),
        )
    ]
    result = {
        "provenance": {"data": "toy", "section": "test"},
        "epochs": 4,
        "classification_weight": 0.1,
        "height": 256,
        "seeds": [0, 1],
        "reference": "apart",
    }
    text = joint_tables({**result, "fidelity": fidelity, "classification": compared.to_dict("records")})
    head = "| frozen minus apart | joint minus apart | joint minus apart, each seed | cases of patients |"
    assert f"| level | metric | frozen | apart | joint {head}" in text
    assert "| -1.000 (-1.000 to -1.000) | -0.500 (-0.500 to -0.500) | -0.600, -0.400 | 20 of 20 |" in text
    f1 = next(line for line in text.splitlines() if line.startswith("| image | f1 "))
    assert "| 0.800 (" in f1 and "| 1.000 (1.000 to 1.000) |" in f1
    assert "| -0.800 (" in f1 and "| +0.200 (" in f1
