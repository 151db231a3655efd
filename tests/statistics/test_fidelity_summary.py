from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_bootstrap_mean, cluster_bootstrap_ratio
from vdes.statistics.fidelity_summary import COLUMNS, summarise

PATIENTS = ["P1", "P1", "P2", "P3", "P3", "P4"]


@pytest.fixture()
def rows() -> pd.DataFrame:
    """Six cases of four patients; P4's has no lesion."""
    rng = np.random.default_rng(0)
    table = []
    for method in ("virtual_des", "constant", "real_des"):
        for i, patient in enumerate(PATIENTS):
            fidelity = math.nan if method == "real_des" else 20 + rng.random()
            contrast = math.nan if method == "constant" or patient == "P4" else 1 + rng.random()
            table.append(
                {
                    "case": f"case{i}",
                    "patient": patient,
                    "method": method,
                    "psnr_breast": fidelity,
                    "lesion_cnr": contrast,
                    "lesion_cnr_ratio": contrast / 2,
                }
            )
    return pd.DataFrame(table)


def values(rows: pd.DataFrame, method: str, metric: str) -> np.ndarray:
    return rows.loc[rows["method"] == method, metric].to_numpy()


def test_means_differences_and_ratios_are_those_of_the_bootstrap(rows):
    summary = summarise(rows, n_resamples=300, seed=3).set_index(["method", "metric", "statistic"])
    psnr, level = values(rows, "virtual_des", "psnr_breast"), values(rows, "constant", "psnr_breast")
    contrast, real = values(rows, "virtual_des", "lesion_cnr"), values(rows, "real_des", "lesion_cnr")
    expected = {
        ("virtual_des", "psnr_breast", "mean"): (cluster_bootstrap_mean(psnr, PATIENTS, 300, 3), 6, 4),
        ("virtual_des", "psnr_breast", "difference_to_constant"): (
            cluster_bootstrap_mean(psnr - level, PATIENTS, 300, 3),
            6,
            4,
        ),
        ("virtual_des", "lesion_cnr", "mean"): (cluster_bootstrap_mean(contrast, PATIENTS, 300, 3), 5, 3),
        ("virtual_des", "lesion_cnr", "ratio_to_real_des"): (
            cluster_bootstrap_ratio(contrast, real, PATIENTS, 300, 3),
            5,
            3,
        ),
        ("constant", "psnr_breast", "mean"): (cluster_bootstrap_mean(level, PATIENTS, 300, 3), 6, 4),
        ("real_des", "lesion_cnr", "mean"): (cluster_bootstrap_mean(real, PATIENTS, 300, 3), 5, 3),
    }
    assert set(summary.index) == set(expected)
    for key, (interval, cases, patients) in expected.items():
        assert summary.loc[key].tolist() == pytest.approx([*interval, cases, patients])


def test_pairs_are_matched_by_case_and_not_by_place(rows):
    expected = summarise(rows)
    shuffled = summarise(rows.sample(frac=1, random_state=0))
    keys = ["method", "metric", "statistic"]
    pd.testing.assert_frame_equal(
        shuffled.sort_values(keys, ignore_index=True), expected.sort_values(keys, ignore_index=True)
    )


def test_it_reads_back_from_csv(rows, tmp_path):
    rows.to_csv(tmp_path / "rows.csv", index=False)
    pd.testing.assert_frame_equal(summarise(pd.read_csv(tmp_path / "rows.csv")), summarise(rows))


def test_without_the_trivial_methods_there_are_means_only(rows):
    summary = summarise(rows[rows["method"] == "virtual_des"])
    assert summary.columns.tolist() == COLUMNS
    assert set(summary["statistic"]) == {"mean"}


def test_bad_tables_are_named(rows):
    with pytest.raises(InputError, match="per-case table: no rows"):
        summarise(rows.iloc[:0])
    with pytest.raises(InputError, match="per-case table: no column `patient`"):
        summarise(rows.drop(columns="patient"))
    with pytest.raises(InputError, match="case case0 occurs twice for virtual_des"):
        summarise(pd.concat([rows, rows.iloc[:1]]))
    rows.loc[8, "patient"] = "P9"
    with pytest.raises(InputError, match="case case2 needs one patient, it has 2"):
        summarise(rows)
    rows["patient"] = None
    with pytest.raises(InputError, match="case case0 needs one patient, it has 0"):
        summarise(rows)
