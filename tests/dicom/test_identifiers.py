from __future__ import annotations

import pytest

from vdes.dicom.identifiers import identifier


@pytest.mark.parametrize(
    ("one", "other"),
    [("P007", "p7 "), ("Doe\0", "DOE"), ("Mu\u0308ller 1", "m\u00fcller  1"), ("000123", "123"), ("0", "00")],
)
def test_spellings_of_one_identifier_are_equal(one: str, other: str) -> None:
    assert identifier(one) == identifier(other)


@pytest.mark.parametrize(("one", "other"), [("P1", "P10"), ("A1", "B1"), ("1-02", "1-20"), ("12", "1 2")])
def test_others_are_not(one: str, other: str) -> None:
    assert identifier(one) != identifier(other)
