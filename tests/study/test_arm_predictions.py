from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from vdes.errors import InputError
from vdes.statistics.operating_threshold import best_f1_threshold
from vdes.statistics.temperature import fitted_temperature
from vdes.study import arm_predictions

Draw = Callable[..., pd.DataFrame]


def test_thresholds_and_temperatures_come_from_validation_alone(drawn_predictions: Draw) -> None:
    table = drawn_predictions(2.0)
    validation = {f"P{number}" for number in range(12)}
    test = {f"P{number}" for number in range(12, 30)}
    found = arm_predictions.test_predictions(table, validation, test)
    assert set(found["patient"]) == test
    for level in ("image", "breast", "examination"):
        seen = table[(table["level"] == level) & table["patient"].isin(validation)]
        temperature = fitted_temperature(seen["logit"], seen["malignant"])
        threshold = best_f1_threshold(expit(seen["logit"] / temperature), seen["malignant"])
        rows = found[found["level"] == level]
        assert rows["probability"].to_numpy() == pytest.approx(expit(rows["logit"] / temperature))
        assert rows["threshold"].unique() == pytest.approx(threshold)
        assert (rows["prediction"] == (rows["probability"] >= rows["threshold"])).all()

    # what the test patients say moves nothing of it
    other = table.assign(malignant=table["malignant"].where(table["patient"].isin(validation), 1 - table["malignant"]))
    again = arm_predictions.test_predictions(other, validation, test)
    assert again["probability"].tolist() == found["probability"].tolist()


def test_a_table_of_probabilities_alone_is_read(drawn_predictions: Draw, tmp_path: Path) -> None:
    table = drawn_predictions(1.0)
    table.drop(columns="logit").to_csv(tmp_path / "p.csv", index=False)
    read = arm_predictions.read_predictions(tmp_path / "p.csv")
    assert read["logit"].to_numpy() == pytest.approx(table["logit"].to_numpy())
    table.assign(probability=np.round(table["probability"])).drop(columns="logit").to_csv(tmp_path / "q.csv")
    extreme = arm_predictions.read_predictions(tmp_path / "q.csv")["logit"]
    assert np.isfinite(extreme).all()
    assert extreme.max() == pytest.approx(-logit(arm_predictions.CLIP))


def test_unknown_labels_are_missing_and_names_are_texts(drawn_predictions: Draw, tmp_path: Path) -> None:
    table = drawn_predictions(1.0).astype({"malignant": object})
    table.loc[0, "malignant"] = None
    table["patient"] = "007"
    table.to_csv(tmp_path / "p.csv", index=False)
    read = arm_predictions.read_predictions(tmp_path / "p.csv")
    assert read["malignant"].isna().sum() == 1
    assert set(read["patient"]) == {"007"}
    assert (read.loc[read["level"] == "examination", "laterality"] == "").all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="patient"), "no column `patient`"),
        (lambda table: table.drop(columns=["logit", "probability"]), "no column `probability`"),
        (lambda table: table.assign(level="pixel"), "`level`: expected image, breast, examination"),
    ],
)
def test_other_tables_are_errors(
    drawn_predictions: Draw, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    change(drawn_predictions(1.0)).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(InputError, match=message):
        arm_predictions.read_predictions(tmp_path / "p.csv")
    with pytest.raises(InputError, match=r"none.csv: no such file"):
        arm_predictions.read_predictions(tmp_path / "none.csv")
