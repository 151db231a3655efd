from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from vdes.reading.agreement import BIRADS, agreement_rows


@pytest.fixture()
def readings() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for reader in ("R1", "R2", "R3"):
        for case in range(30):
            for repeat in (0, 1) if case < 12 else (0,):
                grade = int(np.clip(round(case % 8 + rng.standard_normal()), 0, 7))
                rows.append((reader, f"C{case}", f"C{case}", "real", repeat, BIRADS[grade]))
    return pd.DataFrame(rows, columns=["reader", "case", "patient", "modality", "repeat", "birads"])


def test_between_and_within_readers(readings):
    found = {row["agreement"]: row for row in agreement_rows(readings, ["R1", "R2", "R3"], 100)}
    first = readings[readings["repeat"] == 0].pivot(index="case", columns="reader", values="birads")
    again = readings[readings["repeat"] == 1].pivot(index="case", columns="reader", values="birads")

    def kappa(one, other):
        return cohen_kappa_score(one.map(BIRADS.index), other.map(BIRADS.index), labels=range(8), weights="quadratic")

    pairs = [("R1", "R2"), ("R1", "R3"), ("R2", "R3")]
    assert found["between"]["value"] == pytest.approx(np.mean([kappa(first[a], first[b]) for a, b in pairs]))
    assert (found["between"]["pairs"], found["between"]["readings"]) == (3, 90)
    within = np.mean([kappa(first.loc[again.index, reader], again[reader]) for reader in first])
    assert found["within"]["value"] == pytest.approx(within)
    assert found["within"]["readings"] == 36
    assert found["between"]["low"] < found["between"]["value"] < found["between"]["high"]


def test_an_incomplete_assessment_has_no_place_in_the_order(readings):
    before = agreement_rows(readings, ["R1", "R2"], 10)[0]
    readings.loc[readings["case"] == "C20", "birads"] = "0"
    after = agreement_rows(readings, ["R1", "R2"], 10)[0]
    assert (before["readings"], after["readings"]) == (30, 29)


def test_categories_without_subdivision_are_compared_as_such(readings):
    readings["birads"] = readings["birads"].str.replace(r"^4[AB]$", "4", regex=True)
    undivided = agreement_rows(readings, ["R1", "R2", "R3"], 10)
    readings["birads"] = readings["birads"].str.replace("4C", "4")
    assert agreement_rows(readings, ["R1", "R2", "R3"], 10) == undivided


def test_a_few_readings_have_no_kappa(readings):
    few = readings[(readings["repeat"] == 0) | (readings["case"].isin(["C0", "C1"]))]
    assert [row["agreement"] for row in agreement_rows(few, ["R1", "R2", "R3"], 10)] == ["between"]
