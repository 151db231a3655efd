from __future__ import annotations

import math

import pandas as pd
import pytest

from vdes.handlers.fidelity_table import all_tables, to_markdown
from vdes.metrics.fidelity import TABLES
from vdes.statistics.fidelity_summary import COLUMNS, summarise


@pytest.fixture()
def summary() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("virtual_des", "psnr_breast", "mean", 20.123, 19.4, 21.0, 94, 40),
            ("virtual_des", "psnr_breast", "difference_to_constant", 1.5, -0.2, 1.8, 94, 40),
            ("virtual_des", "ssim_breast", "mean", 0.64512, 0.6, 0.7, 94, 40),
            ("virtual_des", "lesion_cnr", "mean", 1.0, 0.9, 1.1, 61, 30),
            ("virtual_des", "lesion_cnr", "ratio_to_real_des", 0.8, 0.7, 0.9, 60, 30),
            ("constant", "psnr_breast", "mean", 18.6, math.nan, math.nan, 94, 40),
            ("real_des", "lesion_cnr", "mean", 1.25, 1.0, 1.5, 60, 30),
        ],
        columns=COLUMNS,
    )


def test_rows_are_methods_and_columns_are_metrics(summary):
    lines = to_markdown(summary, ["psnr_breast", "ssim_breast", "lesion_cnr"]).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:7]]
    assert cells[0] == ["", "breast PSNR (dB)", "breast SSIM", "lesion CNR"]
    assert {mark for cell in cells[1] for mark in cell} == {"-"}
    assert cells[2:] == [
        ["virtual DES", "20.12 (19.40 to 21.00)", "0.645 (0.600 to 0.700)", "1.00 (0.90 to 1.10)"],
        ["constant level", "18.60", "-", "-"],
        ["real DES", "-", "-", "1.25 (1.00 to 1.50)"],
        ["virtual DES minus constant level", "+1.50 (-0.20 to +1.80)", "-", "-"],
        ["virtual DES over real DES (60 cases)", "-", "-", "0.80 (0.70 to 0.90)"],
    ]
    assert len({len(line) for line in lines[:7]}) == 1
    assert lines[7:] == [
        "",
        "Means over 94 cases of 40 patients (lesion CNR: 61 cases of 30 patients), "
        "with 95 % patient-bootstrap intervals.",
    ]


def test_a_method_without_any_of_the_columns_has_no_row(summary):
    table = to_markdown(summary)
    assert "real DES" not in table
    assert table.splitlines()[-1] == "Means over 94 cases of 40 patients, with 95 % patient-bootstrap intervals."


def test_the_tables_hold_every_metric_once():
    columns = [metric for metrics in TABLES.values() for metric in metrics]
    expected = {f"{name}_{region}" for name in ("mae", "psnr", "ssim", "vif") for region in TABLES}
    assert sorted(columns) == sorted(expected | {"correlation_breast", "lesion_cnr", "lesion_roc_area"})


def test_all_tables_leaves_out_a_table_without_a_figure() -> None:
    rows = pd.DataFrame(
        [{"case": f"c{i}", "patient": f"p{i}", "method": "virtual_des", "psnr_breast": 20.0 + i} for i in range(3)]
    )
    text = all_tables(summarise(rows))
    assert "breast PSNR (dB)" in text
    assert "lesion" not in text and "image" not in text
