from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar

from vdes.errors import InputError
from vdes.study.arms import Arm, study_arms
from vdes.study.question import Question
from vdes.study.study_tables import SHARES, at_level, study_tables

Draw = Callable[..., pd.DataFrame]
QUESTION = Question("virtual_des-unet", n_resamples=300)


@pytest.fixture(scope="module")
def arms() -> list[Arm]:
    return study_arms(["unet"])


@pytest.fixture(scope="module")
def predictions(arms: list[Arm], drawn_predictions: Draw) -> dict[str, pd.DataFrame]:
    """Real DES tells much, virtual DES little."""
    return {
        arm.arm: drawn_predictions(4.0 if arm.content == "real" else 0.5, seed)
        for seed, arm in enumerate(arms, start=1)
    }


@pytest.fixture(scope="module")
def tables(arms: list[Arm], predictions: dict[str, pd.DataFrame]) -> dict:
    return study_tables(arms, predictions, QUESTION)


def test_values_are_those_of_a_second_library(tables: dict, predictions: dict[str, pd.DataFrame]) -> None:
    rows = pd.DataFrame(tables["classification"]).set_index(["level", "arm", "metric", "statistic"])
    assert rows.index.is_unique
    for level in ("image", "breast", "examination"):
        for arm, table in predictions.items():
            cases = at_level(table, level)
            assert rows.loc[(level, arm, "f1", "value"), "value"] == pytest.approx(
                f1_score(cases["malignant"], cases["prediction"])
            )
            assert rows.loc[(level, arm, "auc", "value"), "value"] == pytest.approx(
                roc_auc_score(cases["malignant"], cases["probability"])
            )


def test_each_arm_is_compared_with_its_own_reference(tables: dict, arms: list[Arm]) -> None:
    rows = pd.DataFrame(tables["classification"])
    differences = rows[rows["statistic"] == "difference"]
    assert dict(differences[["arm", "reference"]].drop_duplicates().to_numpy().tolist()) == {
        arm.arm: arm.reference for arm in arms if arm.reference
    }
    values = rows[rows["statistic"] == "value"].set_index(["level", "arm", "metric"])["value"]
    for row in differences.to_dict("records"):
        expected = (
            values[row["level"], row["arm"], row["metric"]] - values[row["level"], row["reference"], row["metric"]]
        )
        assert row["value"] == pytest.approx(expected)
        assert row["low"] <= row["high"]


def test_the_answer_is_the_question_s(tables: dict, predictions: dict[str, pd.DataFrame]) -> None:
    answer = tables["answer"]
    f1 = {
        arm: f1_score(*(at_level(predictions[arm], "examination")[name] for name in ("malignant", "prediction")))
        for arm in ("des", "virtual_des-unet")
    }
    assert answer["arm"]["value"] == pytest.approx(f1["virtual_des-unet"])
    assert answer["reference"]["value"] == pytest.approx(f1["des"])
    assert answer["difference"]["value"] == pytest.approx(f1["virtual_des-unet"] - f1["des"])
    assert answer["verdict"] == "inferior"
    assert {row["verdict"] for row in tables["verdicts"] if row["arm"] == "virtual_des-unet"} == {"inferior"}


def test_an_arm_that_is_its_reference_again_is_not_inferior(
    arms: list[Arm], predictions: dict[str, pd.DataFrame]
) -> None:
    same = {**predictions, "virtual_des-unet": predictions["des"]}
    tables = study_tables(arms, same, QUESTION)
    assert tables["answer"]["verdict"] == "non-inferior"
    assert tables["answer"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert not [row for row in tables["disagreements"] if row["arm"] == "virtual_des-unet"]
    shares = [row["value"] for row in tables["synthetic_share"] if row["arm"] == "virtual_des-unet"]
    assert shares == pytest.approx([tables["answer"]["reference"]["value"]] * len(SHARES))
    equivalent = [row for row in tables["calibration"] if row["arm"] == "virtual_des-unet"]
    assert {row["verdict"] for row in equivalent} == {"equivalent"}


def test_the_tests_are_statsmodels_and_holm_s(tables: dict, predictions: dict[str, pd.DataFrame]) -> None:
    rows = [row for row in tables["tests"] if row["test"] == "mcnemar"]
    one, other = (at_level(predictions[arm], "examination") for arm in ("virtual_des-unet", "des"))
    right = [(table["prediction"] == table["malignant"]).to_numpy() for table in (one, other)]
    counts = [[(right[0] == a)[right[1] == b].sum() for b in (True, False)] for a in (True, False)]
    found = next(row for row in rows if row["arm"] == "virtual_des-unet")
    assert found["p_value"] == pytest.approx(mcnemar(counts, exact=True).pvalue)
    ordered = sorted(rows, key=lambda row: row["p_value"])
    assert ordered[0]["p_holm"] == pytest.approx(min(1, len(rows) * ordered[0]["p_value"]))
    assert all(row["p_holm"] >= row["p_value"] for row in rows)


def test_the_share_of_virtual_images_goes_from_one_arm_to_the_other(tables: dict) -> None:
    rows = [row for row in tables["synthetic_share"] if row["arm"] == "virtual_des-unet"]
    assert [row["share"] for row in rows] == list(SHARES)
    assert rows[0]["value"] == pytest.approx(tables["answer"]["reference"]["value"])
    assert rows[-1]["value"] == pytest.approx(tables["answer"]["arm"]["value"])
    assert rows[0]["low"] == pytest.approx(rows[0]["high"])  # nothing is drawn there
    assert rows[2]["low"] < rows[2]["value"] < rows[2]["high"]


def test_disagreements_are_the_cases_decided_otherwise(tables: dict, predictions: dict[str, pd.DataFrame]) -> None:
    one, other = (at_level(predictions[arm], "image") for arm in ("virtual_des-unet", "des"))
    expected = set(one.loc[(one["prediction"] != other["prediction"]), "case"])
    found = [row for row in tables["disagreements"] if row["arm"] == "virtual_des-unet"]
    assert {row["case"] for row in found} == expected
    assert all(row["prediction_arm"] != row["prediction_reference"] for row in found)


def test_json_takes_the_tables(tables: dict) -> None:
    json.dumps(tables, allow_nan=False)


def test_missing_arms_leave_the_others(arms: list[Arm], predictions: dict[str, pd.DataFrame]) -> None:
    left = [arm for arm in arms if arm.arm not in ("des", "virtual_des-unet")]
    tables = study_tables(left, predictions, QUESTION)
    assert tables["answer"] is None
    rows = pd.DataFrame(tables["classification"])
    assert set(rows["arm"]) == {arm.arm for arm in left}
    # low energy has lost its reference, and keeps its values
    assert set(rows.loc[rows["arm"] == "low_energy", "statistic"]) == {"value"}


def test_a_test_set_of_one_class_is_an_error(arms: list[Arm], predictions: dict[str, pd.DataFrame]) -> None:
    benign = {arm: table.assign(malignant=0.0) for arm, table in predictions.items()}
    with pytest.raises(InputError, match="arm des: level image: all 120 test cases are not malignant"):
        study_tables(arms, benign, QUESTION)


def test_arms_of_other_cases_are_an_error(arms: list[Arm], predictions: dict[str, pd.DataFrame]) -> None:
    fewer = {**predictions, "virtual_des-unet": predictions["des"].iloc[1:]}
    with pytest.raises(InputError, match="P0_L_CC is in only one of them"):
        study_tables(arms, fewer, QUESTION)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metric": "brier"}, "metric: 'brier'"),
        ({"level": "patient"}, "level: 'patient'"),
        ({"margin": 0.0}, "margin: 0.0"),
        ({"n_resamples": 0}, "n_resamples"),
    ],
)
def test_questions_without_sense_are_errors(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Question("virtual_des-unet", **settings)


def test_a_question_about_no_arm_is_an_error(arms: list[Arm]) -> None:
    with pytest.raises(InputError, match="arm: 'des'; expected one of low_energy, low_energy"):
        Question("des").reference(arms)
    assert Question("virtual_des-unet").reference(arms) == "des"


def test_nan_never_reaches_the_tables(arms: list[Arm], predictions: dict[str, pd.DataFrame]) -> None:
    # of two patients one is malignant: most resamples have one class, so intervals are undefined
    few = {arm: table[table["patient"].isin(["P0", "P1"])] for arm, table in predictions.items()}
    tables = study_tables(arms, few, QUESTION)
    json.dumps(tables, allow_nan=False)
    assert tables["answer"]["verdict"] == "inconclusive: the interval is undefined"
    assert tables["answer"]["difference"]["low"] is None
    assert not [row for row in tables["tests"] if row["test"] == "delong" and np.isnan(row["p_value"])]
