from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.statistics import bootstrap
from vdes.statistics.bootstrap import cluster_bootstrap_mean
from vdes.statistics.classification_metrics import classification_metrics
from vdes.statistics.paired_bootstrap import COLUMNS, paired_bootstrap


def arm(skill: float, seed: int, n: int = 60) -> pd.DataFrame:
    """Two breasts each of n / 2 patients; the noise is the arm's own."""
    malignant = np.arange(n) // 2 % 2
    noise = np.random.default_rng(seed).random(n)
    return pd.DataFrame(
        {
            "level": "breast",
            "case": [f"exam{number // 2}" for number in range(n)],
            "laterality": ["LR"[number % 2] for number in range(n)],
            "patient": [f"P{number // 2}" for number in range(n)],
            "malignant": malignant,
            "probability": skill * malignant + (1 - skill) * noise,
            "threshold": 0.5,
        }
    )


@pytest.fixture()
def arms() -> dict[str, pd.DataFrame]:
    return {"virtual": arm(0.2, 0), "real": arm(0.3, 1), "low_energy": arm(0.1, 2)}


def test_values_and_differences(arms):
    table = paired_bootstrap(arms, "real", ("f1", "auc", "brier"), n_resamples=200)
    assert table.columns.tolist() == COLUMNS
    assert (table[["cases", "positives", "patients"]] == [60, 30, 30]).all(axis=None)
    values = table.set_index(["arm", "metric", "statistic"])["value"]
    assert len(values) == 3 * 3 + 2 * 3
    for name, predictions in arms.items():
        expected = classification_metrics(predictions["malignant"], predictions["probability"], 0.5)
        for metric in ("f1", "auc", "brier"):
            assert values[name, metric, "value"] == pytest.approx(expected[metric][0])
            if name != "real":
                difference = values[name, metric, "value"] - values["real", metric, "value"]
                assert values[name, metric, "difference"] == pytest.approx(difference)


def test_differences_of_a_mean_are_those_of_paired_cases(arms):
    table = paired_bootstrap(arms, "real", ("brier",), n_resamples=500, seed=3, confidence=0.9)
    row = table[(table["arm"] == "virtual") & (table["statistic"] == "difference")].iloc[0]
    squares = {name: (t["probability"] - t["malignant"]) ** 2 for name, t in arms.items()}
    expected = cluster_bootstrap_mean(squares["virtual"] - squares["real"], arms["real"]["patient"], 500, 3, 0.9)
    assert row[["value", "low", "high"]].tolist() == pytest.approx(list(expected))
    by_patient = (squares["virtual"] - squares["real"]).groupby(arms["real"]["patient"]).mean()
    assert row["standard_error"] == pytest.approx(by_patient.std(ddof=0) / np.sqrt(30), rel=0.1)


def test_an_arm_against_itself_does_not_vary(arms):
    table = paired_bootstrap({"real": arms["real"], "again": arms["real"]}, "real", n_resamples=100)
    difference = table[table["statistic"] == "difference"]
    assert (difference[["value", "low", "high", "standard_error"]] == 0).all(axis=None)


def test_cases_are_matched_by_name_and_memory_does_not_count(arms, monkeypatch):
    expected = paired_bootstrap(arms, "real", n_resamples=100)
    shuffled = {name: predictions.sample(frac=1, random_state=0) for name, predictions in arms.items()}
    pd.testing.assert_frame_equal(paired_bootstrap(shuffled, "real", n_resamples=100), expected)
    monkeypatch.setattr(bootstrap, "BLOCK", 7 * 60)
    pd.testing.assert_frame_equal(paired_bootstrap(arms, "real", n_resamples=100), expected)


def test_cases_of_unknown_pathology_are_left_out_of_all_arms(arms):
    unknown = {
        name: predictions.assign(malignant=predictions["malignant"].where(predictions["case"] != "exam4"))
        for name, predictions in arms.items()
    }
    without = {name: predictions[predictions["case"] != "exam4"] for name, predictions in arms.items()}
    pd.testing.assert_frame_equal(
        paired_bootstrap(unknown, "real", n_resamples=50), paired_bootstrap(without, "real", n_resamples=50)
    )


def test_one_patient_has_values_but_no_intervals(arms):
    one = {name: predictions.iloc[:2].assign(malignant=[0, 1]) for name, predictions in arms.items()}
    table = paired_bootstrap(one, "real", n_resamples=20)
    assert table["value"].notna().all()
    assert table[["low", "high", "standard_error"]].isna().all(axis=None)


def test_cases_that_differ_are_named(arms):
    real = arms["real"]
    for virtual, message in (
        (real.drop(index=[7, 9]), "arms real and virtual: case breast R exam3 is in only one of them"),
        (real.assign(malignant=real["malignant"].where(real.index != 4)), "case breast L exam2 is in only one of them"),
        (pd.concat([real, real.iloc[:1].assign(case="exam99")]), "case breast L exam99 is in only one of them"),
        (real.assign(patient=real["patient"].replace("P5", "P6")), "case breast L exam5: `patient` differs"),
        (real.assign(malignant=1), "case breast L exam0: `malignant` differs"),
        (real.assign(probability=2.0), "arm virtual: case breast L exam0: `probability`: expected"),
    ):
        with pytest.raises(InputError, match=message):
            paired_bootstrap({"virtual": virtual, "real": real}, "real", n_resamples=10)


def test_bad_arguments_are_named(arms):
    with pytest.raises(InputError, match="reference: expected one of the arms virtual, real, low_energy, got des"):
        paired_bootstrap(arms, "des")
    with pytest.raises(InputError, match="metrics: expected some of"):
        paired_bootstrap(arms, "real", ("kappa",))
    with pytest.raises(InputError, match="n_resamples: expected 1 or more"):
        paired_bootstrap(arms, "real", n_resamples=0)
    with pytest.raises(InputError, match=r"level: expected a number in \(0, 1\), got 95"):
        paired_bootstrap(arms, "real", n_resamples=5, confidence=95)
    two = {name: pd.concat([table, table.assign(level="image")]) for name, table in arms.items()}
    with pytest.raises(InputError, match="arm real: `level`: expected one level, got breast, image"):
        paired_bootstrap(two, "real")
    with pytest.raises(InputError, match="arm real: no case with a known `malignant`"):
        paired_bootstrap({"real": arms["real"].assign(malignant=np.nan)}, "real")
