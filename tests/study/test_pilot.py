from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.statistics.classification_metrics import classification_metrics
from vdes.study.pilot import Pilot, pilot_difference, read_pilot
from vdes.study.question import Question


@pytest.fixture
def study(tmp_path: Path, drawn_predictions: Callable[..., pd.DataFrame]) -> Path:
    """The files of a finished study that a pilot needs."""
    arms = [("des", None, 3.0, 1), ("virtual_des-unet", "des", 1.5, 2)]
    for name, _, separation, seed in arms:
        folder = tmp_path / "study" / "arms" / name
        folder.mkdir(parents=True)
        drawn_predictions(separation, seed).to_csv(folder / "predictions.csv", index=False)
    listed = [{"arm": name, "reference": reference} for name, reference, _, _ in arms]
    content = {"arms": listed, "question": {"arm": "virtual_des-unet"}}
    (tmp_path / "study" / "metrics.json").write_text(json.dumps(content))
    return tmp_path / "study"


def sensitivity(table: pd.DataFrame) -> float:
    """The sensitivity of a table of predictions."""
    names = ("malignant", "probability", "prediction")
    labels, probability, prediction = (table[name] for name in names)
    return float(classification_metrics(labels, probability, prediction=prediction)["sensitivity"][0])


@pytest.mark.parametrize("level", ["image", "breast", "examination"])
def test_a_pilot_is_read_with_its_own_difference(study: Path, level: str) -> None:
    pilot, arm, reference = read_pilot(study, None, level)
    assert (arm, reference, pilot.patients) == ("virtual_des-unet", "des", 30)
    own = sensitivity(pilot.arm) - sensitivity(pilot.reference)
    assert pilot.difference("sensitivity") == pytest.approx(own)
    found = pilot_difference(pilot, Question("arm", metric="sensitivity", level=level, n_resamples=200))
    assert found["low"] <= found["value"] <= found["high"] and found["value"] == pytest.approx(own)


def test_whole_patients_are_drawn_with_both_arms(study: Path) -> None:
    pilot, _, _ = read_pilot(study, None, "image")
    drawn = pilot.draw(50, np.random.default_rng(0)).tables()
    assert [table["patient"].nunique() for table in drawn.values()] == [50, 50]
    assert set(drawn["arm"].groupby("patient")["case"].count()) == {4}
    pd.testing.assert_series_equal(drawn["arm"]["malignant"], drawn["reference"]["malignant"])
    of_pilot = {tuple(np.round(rows["probability"], 9)) for _, rows in pilot.arm.groupby("patient")}
    assert {tuple(np.round(rows["probability"], 9)) for _, rows in drawn["arm"].groupby("patient")} <= of_pilot


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_arms_are_exchanged_until_the_difference_is_the_assumed_one(study: Path, share: float) -> None:
    pilot, _, _ = read_pilot(study, None, "image")
    own = pilot.difference("sensitivity")
    assumed = pilot.assuming(share * own, "sensitivity")
    assert assumed.difference("sensitivity") == pytest.approx(share * own)
    drawn = assumed.draw(8_000, np.random.default_rng(0)).tables()
    assert sensitivity(drawn["arm"]) - sensitivity(drawn["reference"]) == pytest.approx(share * own, abs=0.02)
    for other in (own - 0.01, 0.01):
        with pytest.raises(InputError, match=r"--difference: .*; expected -0.\d+ to 0.000, from the pilot's"):
            pilot.assuming(other, "sensitivity")


def test_what_is_no_pilot_is_named(study: Path) -> None:
    def told(message: str, arm: str | None = None, folder: Path = study) -> None:
        with pytest.raises(InputError, match=message):
            read_pilot(folder, arm, "examination")

    told("metrics.json: no such file; expected the folder of a study", folder=study / "arms")
    told("arm: 'des'; expected one of virtual_des-unet", "des")
    told("arm: 'other'; expected one of virtual_des-unet", "other")
    file = study / "arms" / "des" / "predictions.csv"
    table = pd.read_csv(file)
    table[table["level"] == "image"].to_csv(file, index=False)
    told("no examination with a known `malignant`; expected the patients of a pilot")
    table[(table["level"] == "examination") & (table["malignant"] == 1)].to_csv(file, index=False)
    told("is in only one of them")
    other = study / "arms" / "virtual_des-unet" / "predictions.csv"
    other.write_bytes(file.read_bytes())
    told("15 patients with 15 malignant of 15 cases; expected two patients or more, and malignant and other cases")
    file.unlink()
    told("no such file; expected the predictions of a classifier")
    (study / "metrics.json").write_text('{"arms": [{"arm": "x", "reference": null}], "question": {"arm": "x"}}')
    told("none has a reference; expected a study of images, not of regions")
    (study / "metrics.json").write_text('{"arms": 3}')
    told("expected the results of vdes study, with `arms` and `question`")


def test_a_pilot_alike_stays_alike() -> None:
    table = pd.DataFrame({"case": [0, 1], "patient": [0, 1], "malignant": [0, 1], "probability": [0.2, 0.8]})
    table["prediction"] = table["malignant"]
    assert Pilot(table, table).assuming(0.0, "f1").difference("f1") == 0
