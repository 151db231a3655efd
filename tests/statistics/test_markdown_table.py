from __future__ import annotations

import pytest

from vdes.statistics.markdown_table import markdown_table

HEADER = ["", "AUC (95 % interval)", "n"]
ROWS = [["low energy", "0.571 (0.503 to 0.639)", "012"], ["real DES", "-", ""]]


def test_a_compact_table_has_no_padding():
    assert markdown_table(HEADER, ROWS).splitlines() == [
        "|  | AUC (95 % interval) | n |",
        "| --- | --- | --- |",
        "| low energy | 0.571 (0.503 to 0.639) | 012 |",
        "| real DES | - |  |",
    ]


def test_an_aligned_table_has_columns_of_one_width():
    lines = markdown_table(HEADER, ROWS, aligned=True).splitlines()
    assert lines[1] == "| ---------- | ---------------------- | --- |"
    assert lines[2] == "| low energy | 0.571 (0.503 to 0.639) | 012 |"
    assert {len(line) for line in lines} == {len(lines[1])}


@pytest.mark.parametrize("aligned", [False, True])
def test_cells_stay_as_they_are(aligned):
    """No text is taken for a number, and no number is rounded."""
    cells = ["1e5", "0.10000", "+0.000", "nan", "True"]
    line = markdown_table([*"abcde"], [cells], aligned).splitlines()[2]
    assert [cell.strip() for cell in line.strip("|").split("|")] == cells


def test_a_table_without_rows_has_its_header():
    assert markdown_table(["a", "b"], []).splitlines() == ["| a | b |", "| --- | --- |"]
