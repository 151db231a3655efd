from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.handlers.classification_table import classification_table
from vdes.report.study_words import metric_label
from vdes.statistics.classification_metrics import METRICS, Metric
from vdes.statistics.classification_summary import COLUMNS, classification_summary

# the rows, in this order
LABELS = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "f1": "F1",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "MCC",
    "brier": "Brier score",
    "ece": "ECE",
}


def rows_of(table: str) -> dict[str, list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1  # columns are aligned
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {mark for cell in cells[1] for mark in cell} == {"-"}
    return {row[0]: row[1:] for row in (cells[0], *cells[2:])}


def test_rows_are_metrics_and_columns_are_levels():
    levels = {"image": (94, 40, 31), "breast": (50, 22, 30)}
    summary = pd.DataFrame(
        [
            (level, metric, i / 10 + (level == "breast") / 20, *((0.01, 0.98765) if i else (np.nan, np.nan)), *counts)
            for level, counts in levels.items()
            for i, metric in enumerate(LABELS)
        ],
        columns=COLUMNS,
    )
    table = classification_table(summary)
    rows = rows_of(table)
    assert rows[""] == ["image", "breast"]
    assert rows["AUC"] == ["0.000", "0.050"]  # without an interval
    assert rows["PR-AUC"] == ["0.100 (0.010 to 0.988)", "0.150 (0.010 to 0.988)"]
    assert list(rows)[1:] == [*LABELS.values(), "cases (malignant) of patients"]
    assert rows["cases (malignant) of patients"] == ["94 (40) of 31", "50 (22) of 30"]
    assert table.splitlines()[-1] == "With 95 % patient-bootstrap intervals."


@pytest.fixture()
def predictions() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    malignant = np.arange(40) % 2
    return pd.DataFrame(
        {
            "level": "image",
            "case": [f"c{i}" for i in range(40)],
            "patient": [f"P{i // 2}" for i in range(40)],
            "malignant": malignant,
            "probability": np.clip(0.4 * malignant + 0.6 * rng.random(40), 0, 1),
            "threshold": 0.5,
        }
    )


def test_it_shows_a_summary_of_predictions(predictions):
    summary = classification_summary(predictions, n_resamples=50)
    rows = rows_of(classification_table(summary))
    for metric, label in LABELS.items():
        [row] = summary[summary["metric"] == metric].to_dict("records")
        assert rows[label] == [f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"]
    assert rows["cases (malignant) of patients"] == ["40 (20) of 20"]


def test_one_entry_adds_a_metric(predictions, monkeypatch):
    def youden(counts):
        tp, fp, fn, tn = counts
        return tp / (tp + fn) + tn / (tn + fp) - 1

    monkeypatch.setitem(METRICS, "youden", Metric("Youden index", of_decisions=youden))
    rows = rows_of(classification_table(classification_summary(predictions, n_resamples=50)))
    sensitivity, specificity, found = (
        float(rows[label][0].split()[0]) for label in ("sensitivity", "specificity", "Youden index")
    )
    assert found == pytest.approx(sensitivity + specificity - 1, abs=0.002)
    assert metric_label("youden") == "Youden index"
