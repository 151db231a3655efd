from __future__ import annotations

import pytest

from vdes.data.ids import check_id, same_id
from vdes.errors import InputError

REFUSED = [
    "../x", "a/b", "a\\b", "/etc/x", "..", ".hidden", "C:x", "a\x00b", "a\nb", "a\n", "\x1b[31mred", "a\x7f", "a\x85b",
    " P1", "P1 ", "P1\t", "=cmd|' /C calc'!A0", "+1", "-o", "@x", "x" * 129,
]  # fmt: skip
REFUSED_BY_READING_ALONE = ["P\u200b1", "P\u202e1", "e\u0301", "\ud800", "é" * 121]


@pytest.mark.parametrize("text", ["P1_L_CC", "1.2.840.113619", "Ärztin 7", "患者1", "a..b", "x" * 128, "O'Hara-2 (b)"])
def test_ids_that_can_name_a_file_are_taken(text: str) -> None:
    check_id(text, "here")


@pytest.mark.parametrize("text", [*REFUSED, *REFUSED_BY_READING_ALONE])
def test_an_id_that_cannot_name_a_file_is_one_printable_line(text: str) -> None:
    with pytest.raises(InputError, match=r"^here: .*; expected ") as caught:
        check_id(text, "here")
    assert str(caught.value).isprintable()


def test_ids_that_readers_take_for_the_same_are_the_same() -> None:
    assert same_id("P1") == same_id("p1") == same_id("\uff30\uff11")
    assert same_id("STRASSE ä") == same_id("straße  Ä")
    assert len({same_id(text) for text in ("P1", "P01", "P1_", "P 1")}) == 4
