from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from vdes.reading import tables
from vdes.reading.accuracy import accuracy_rows, figures_of_merit
from vdes.reading.crossed import crossed
from vdes.reading.plan import read_plan
from vdes.reading.question import ReadingQuestion
from vdes.reading.simulate import simulate
from vdes.reading.study_losses import study_losses
from vdes.study.arms import study_arms

ARMS = ("low_energy+des", "low_energy+virtual_des-unet")


@pytest.fixture()
def read(reading):
    """A simulated reader study: plan, key, design and accuracy."""
    simulate(reading, progress=False)
    design = crossed(tables.readings_table(reading), tables.truth_table(reading))
    question = ReadingQuestion()
    return (
        read_plan(reading),
        tables.study_key(reading),
        design,
        accuracy_rows(design, figures_of_merit(design), question),
    )


@pytest.fixture()
def study(read, tmp_path: Path) -> Path:
    """A study's folder with the classifier's predictions of these breasts and of others."""
    _, key, design, _ = read
    rng = np.random.default_rng(0)
    folder = tmp_path / "study"
    arms = [arm.record() for arm in study_arms(["unet"]) if arm.arm in ARMS]
    labels = dict(zip(design.cases["case"], design.malignant, strict=True))
    for arm in arms:
        table = pd.DataFrame(
            [
                {"level": level, "case": row.study_patient, "patient": row.study_patient, "laterality": row.laterality}
                | {"malignant": labels[row.case], "probability": rng.random(), "prediction": 1}
                for row in key.itertuples()
                for level in ("breast", "examination")
            ]
            + [{"level": "breast", "case": "X", "patient": "X", "laterality": "L", "malignant": 0, "probability": 0.1}]
        )
        place = folder / "arms" / arm["arm"]
        place.mkdir(parents=True)
        table.assign(prediction=1).to_csv(place / "predictions.csv", index=False)
    (folder / "metrics.json").write_text(json.dumps({"arms": arms}))
    return folder


def losses(read, study):
    plan, key, design, accuracy = read
    return study_losses({**plan, "study": str(study)}, key, design, accuracy, ReadingQuestion(), 50, 0)


def test_readers_and_classifier_on_the_same_breasts(read, study):
    found = losses(read, study)
    assert found["note"] is None
    readers, classifier = found["rows"]
    assert readers["who"] == "readers"
    asked = next(row for row in read[3] if (row["metric"], row["statistic"]) == ("auc", "difference"))
    assert readers["difference"]["value"] == asked["value"]
    assert classifier["who"] == "classifier, both inputs"
    table = pd.read_csv(study / "arms" / ARMS[0] / "predictions.csv")
    table = table[(table["level"] == "breast") & (table["patient"] != "X")]
    expected = roc_auc_score(table["malignant"], table["probability"])
    assert classifier["reference"]["value"] == pytest.approx(expected)
    assert classifier["difference"]["value"] == pytest.approx(classifier["arm"]["value"] - expected)


def test_what_is_missing_is_said_without_a_place(read, study, tmp_path):
    file = study / "arms" / ARMS[1] / "predictions.csv"
    table = pd.read_csv(file)
    table[table["patient"] != read[1]["study_patient"].iloc[0]].to_csv(file, index=False)
    assert "no prediction of case" in losses(read, study)["note"]
    file.unlink()
    note = losses(read, study)["note"]
    assert "predictions.csv: no such file" in note
    assert str(tmp_path) not in note
    gone = losses(read, tmp_path / "gone")
    assert gone["note"] == "The classifier's part is missing: the study's folder is no longer where it was."
    assert [row["who"] for row in gone["rows"]] == ["readers"]


def test_another_question_has_no_such_comparison(read):
    plan, key, design, accuracy = read
    other = ReadingQuestion("low_energy", "real")
    assert study_losses(plan, key, design, accuracy, other, 10, 0) is None
    assert study_losses({**plan, "study": None}, key, design, accuracy, ReadingQuestion(), 10, 0) is None
