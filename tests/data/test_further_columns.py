from __future__ import annotations

import pytest

from vdes.data.further_columns import check_columns, column_values
from vdes.errors import InputError


def test_a_column_is_numbers_only_if_all_its_known_cells_are() -> None:
    assert column_values(["54", " 61.5", "", "7"]) == [54, 61.5, None, 7]
    assert column_values(["54", "unknown", ""]) == ["54", "unknown", None]
    assert column_values(["nan", "1"]) == ["nan", "1"]


def items(*values: object) -> list[dict]:
    return [{"case": f"c{n}", "patient": f"P{n}", "centre": value} for n, value in enumerate(values)]


def test_groups_numbers_and_unknown_values_pass() -> None:
    for values in (("A", "B", "A"), (31, 32, 33), (None, None), ("A", "A", None), ("A",)):
        check_columns(["centre"], items(*values), "d.json")
    # two views of one patient
    check_columns(["centre"], [*items("A", "B"), {"case": "x", "patient": "P2", "centre": "B"}], "d.json")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("age", ("A", "B"), "d.json: case c0: age: is missing; expected a text, a number, or null"),
        ("centre", ("A", ["B"]), "d.json: case c1: centre: ..B..; expected a text"),
        ("centre", ("A", True), "d.json: case c1: centre: True; expected a text"),
        ("centre", (1, float("inf")), "d.json: case c1: centre: inf; expected a text"),
        ("centre", ("A", "B", "C"), "d.json: centre: differs between all 3 patients; expected a column with groups"),
        ("outline", ("A", "B"), "d.json: columns: 'outline'; expected a name that is none of case, patient"),
    ],
)
def test_what_gives_no_groups_is_refused(name: str, values: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_columns([name], items(*values), "d.json")
