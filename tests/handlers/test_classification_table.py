from __future__ import annotations

import numpy as np
import pandas as pd

from vdes.handlers.classification_table import LABELS, classification_table
from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.classification_summary import COLUMNS, classification_summary


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


def test_it_shows_a_summary_of_predictions():
    rng = np.random.default_rng(0)
    malignant = np.arange(40) % 2
    predictions = pd.DataFrame(
        {
            "level": "image",
            "case": [f"c{i}" for i in range(40)],
            "patient": [f"P{i // 2}" for i in range(40)],
            "malignant": malignant,
            "probability": np.clip(0.4 * malignant + 0.6 * rng.random(40), 0, 1),
            "threshold": 0.5,
        }
    )
    summary = classification_summary(predictions, n_resamples=50)
    rows = rows_of(classification_table(summary))
    assert set(LABELS) <= set(METRICS)
    for metric, label in LABELS.items():
        [row] = summary[summary["metric"] == metric].to_dict("records")
        assert rows[label] == [f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"]
    assert rows["cases (malignant) of patients"] == ["40 (20) of 20"]
