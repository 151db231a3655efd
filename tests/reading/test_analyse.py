from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.reading import tables
from vdes.reading.analyse import TABLES, analyse
from vdes.reading.exchange import mrmcaov_table
from vdes.reading.settings import AnalysisSettings, SimulatedReaders
from vdes.reading.simulate import simulate
from vdes.reading.store import Store
from vdes.statistics.mrmc.figures_of_merit import auc_merits, share_merits
from vdes.statistics.mrmc.obuchowski_rockette import difference

FAST = {"n_resamples": 50}


@pytest.fixture(scope="module")
def simulated(make_reading, tmp_path_factory) -> Path:
    folder = make_reading(cases=12)
    simulate(folder, SimulatedReaders(), progress=False)
    return folder


@pytest.fixture(scope="module")
def analysed(simulated) -> Path:
    return analyse(simulated, AnalysisSettings(**FAST))


def metrics(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def test_the_figures_are_those_of_the_readings(simulated, analysed):
    found = metrics(analysed)
    readings, truth = tables.readings_table(simulated), tables.truth_table(simulated)
    first = readings[readings["repeat"] == 0].set_index(["modality", "reader", "case"])
    malignant = truth["malignant"].to_numpy()

    def cube(column):
        return np.array(
            [
                [[first.loc[(modality, reader, case), column] for case in truth["case"]] for reader in ("R1", "R2")]
                for modality in ("low_energy", "real", "virtual")
            ]
        )

    expected = difference(auc_merits(malignant, cube("malignancy").astype(float)), 2, 1)
    row = found["answer"]["difference"]
    assert (row["value"], row["low"], row["high"]) == pytest.approx(expected[:3])
    assert row["verdict"] == found["answer"]["verdict"]
    assert row["margin"] == 0.05
    positive = ~np.isin(cube("birads"), ("1", "2", "3"))
    sensitivity = share_merits(positive[..., malignant == 1]).values
    for index, modality in enumerate(("low_energy", "real", "virtual")):
        one = next(
            row
            for row in found["accuracy"]
            if (row["metric"], row["statistic"], row["modality"]) == ("sensitivity", "value", modality)
        )
        assert one["value"] == pytest.approx(sensitivity[index].mean())
    by_reader = [row for row in found["by_reader"] if row["metric"] == "auc" and row["statistic"] == "value"]
    assert {row["reader"] for row in by_reader} == {"R1", "R2"}


def test_everything_that_was_read_is_there(analysed):
    found = metrics(analysed)
    assert found["data"]["simulated"] is True
    assert found["data"]["cases"] == 12
    assert {row["agreement"] for row in found["agreement"]} == {"between", "within"}
    assert {row["feature"] for row in found["features"]} == {"missing", "distorted", "invented"}
    assert {row["modality"] for row in found["features"]} == {"real", "virtual"}
    assert [row["reader"] for row in found["choices"]][:2] == ["R1", "R2"]
    assert {row["measure"] for row in found["marks"]} >= {"false marks", "malignant lesions found"}
    assert len(found["times"]) == 3
    for name in TABLES:
        assert len(pd.read_csv(analysed / f"{name}.csv")) == len(found[name])
    located = {row["modality"]: row for row in found["accuracy"] if row["metric"] == "located_auc"}
    assert set(located) == {"low_energy", "real", "virtual"}


def test_no_patient_of_the_study_is_named(simulated, analysed):
    patients = set(tables.study_key(simulated)["study_patient"])
    assert patients
    codes = set(tables.truth_table(simulated)["patient"])
    assert not patients & codes
    for file in analysed.iterdir():
        words = set(file.read_text().replace('"', ",").replace("\n", ",").split(","))
        assert not words & patients, file


def test_other_programs_read_it_and_it_is_read_back(simulated, analysed, tmp_path):
    again = [
        metrics(analyse(analysed / name, AnalysisSettings(tmp_path / name, "virtual", "real")))
        for name in ("readings.imrmc", "mrmcaov.csv")
    ]
    expected = [row for row in metrics(analysed)["accuracy"] if row["metric"] == "auc"]
    for found in again:
        assert found["accuracy"] == expected
        assert found["answer"] == metrics(analysed)["answer"]


def test_the_data_set_of_van_dyke_as_a_file(tmp_path, van_dyke):
    labels, ratings = van_dyke
    rows = [
        (f"R{reader + 1}", f"C{case}", modality, float(ratings[place, reader, case]))
        for place, modality in enumerate(("spin_echo", "cine"))
        for reader in range(5)
        for case in range(114)
    ]
    readings = pd.DataFrame(rows, columns=["reader", "case", "modality", "malignancy"])
    truth = pd.DataFrame({"case": [f"C{case}" for case in range(114)], "malignant": labels})
    mrmcaov_table(readings, truth).to_csv(tmp_path / "van_dyke.csv", index=False)
    found = metrics(analyse(tmp_path / "van_dyke.csv", AnalysisSettings(tmp_path / "out", "cine", "spin_echo")))
    row = found["answer"]["difference"]
    assert (row["value"], row["low"], row["high"]) == pytest.approx((0.04380, -0.00036, 0.08796), abs=5e-6)
    assert row["p_value"] == pytest.approx(0.0517, abs=5e-5)
    assert found["answer"]["verdict"] == "non-inferior"


def test_readings_that_are_outstanding_keep_the_blinding(reading, answer_to):
    with Store(reading) as store:
        for task in store.tasks["R1"]:
            store.add(task["task"], answer_to(task), 5.0)
    with pytest.raises(InputError, match=r"readings are outstanding: R2 \(\d+\); an analysis now would end the blind"):
        analyse(reading)
    assert not (reading / "analysis").exists()
    with pytest.raises(InputError, match="one reader cannot stand for others"):
        analyse(reading, AnalysisSettings(unfinished=True, **FAST))


def test_bad_input_is_named(simulated, analysed, tmp_path):
    with pytest.raises(InputError, match=r"margin: 0.1; .*plan.json has the question"):
        analyse(simulated, AnalysisSettings(tmp_path / "x", margin=0.1))
    with pytest.raises(InputError, match="analysis: exists already; pass --overwrite"):
        analyse(simulated, AnalysisSettings(**FAST))
    with pytest.raises(InputError, match="holds other files"):
        analyse(simulated, AnalysisSettings(simulated), overwrite=True)
    with pytest.raises(InputError, match=r"arm: None; expected one of the modalities of .*: low_energy, real, virtual"):
        analyse(analysed / "mrmcaov.csv", AnalysisSettings(tmp_path / "y"))
    with pytest.raises(InputError, match="expected --output"):
        analyse(analysed / "mrmcaov.csv")
    with pytest.raises(InputError, match="n_resamples: 0; expected 1 or more"):
        AnalysisSettings(n_resamples=0)
