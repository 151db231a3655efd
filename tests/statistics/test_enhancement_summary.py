from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_bootstrap_mean
from vdes.statistics.enhancement_summary import enhancement_summary

NAN = np.nan


@pytest.fixture
def rows() -> pd.DataFrame:
    """Six cases of four patients: three lesions enhance, two do not, one case has none; one pair is not registered."""
    real = [1, 1, 1, 0, 0, NAN]
    table = pd.DataFrame(
        {"case": list("abcdef"), "patient": ["P1", "P1", "P2", "P3", "P3", "P4"], "real_enhances": real}
    )
    virtual = table.assign(method="virtual_des", enhances=[1, 0, 1, 1, 0, NAN], hallucinations=[0, 2, NAN, 1, 0, 0])
    itself = table.assign(method="real_des", enhances=real, hallucinations=[0, 0, NAN, 0, 0, 0])
    return pd.concat([virtual, itself], ignore_index=True)


def test_the_rates_are_those_counted_by_hand(rows):
    summary = enhancement_summary(rows, 100).set_index(["method", "metric"])
    expected = {
        "enhancement_recall": (2 / 3, 3, 2),
        "false_enhancement": (1 / 2, 2, 1),
        "hallucinations_per_image": (3 / 5, 5, 3),
        "images_with_hallucination": (2 / 5, 5, 3),
    }
    for metric, (value, cases, patients) in expected.items():
        found = summary.loc[("virtual_des", metric)]
        assert found["value"] == pytest.approx(value)
        assert (found["cases"], found["patients"]) == (cases, patients)
    real = summary.loc["real_des"]["value"]
    assert real.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_the_intervals_are_the_patient_bootstrap(rows):
    found = (
        enhancement_summary(rows, 500, seed=3)
        .set_index(["method", "metric"])
        .loc[("virtual_des", "enhancement_recall")]
    )
    interval = cluster_bootstrap_mean([1, 0, 1], ["P1", "P1", "P2"], 500, seed=3)
    assert (found["value"], found["low"], found["high"]) == interval


def test_what_no_case_defines_has_no_row(rows):
    metrics = enhancement_summary(rows[rows["case"] == "f"], 10)["metric"]
    assert set(metrics) == {"hallucinations_per_image", "images_with_hallucination"}


def test_a_bad_table_is_refused(rows):
    with pytest.raises(InputError, match="no column `enhances`"):
        enhancement_summary(rows.drop(columns="enhances"))
    with pytest.raises(InputError, match="no rows"):
        enhancement_summary(rows.iloc[:0])
    with pytest.raises(InputError, match="case a occurs twice for virtual_des"):
        enhancement_summary(pd.concat([rows, rows.iloc[:1]]))
