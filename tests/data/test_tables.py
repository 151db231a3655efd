from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest

from vdes.data.tables import read_table
from vdes.errors import InputError

SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CELL = b'<row r="%d"><c r="%s" t="inlineStr"><is><t>%s</t></is></c></row>'
TAIL = b"</sheetData></worksheet>"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """An xlsx file of two columns."""
    book = openpyxl.Workbook()
    book.active.append(["patient", "side"])
    book.active.append(["1", "L"])
    book.save(tmp_path / "table.xlsx")
    return tmp_path / "table.xlsx"


def with_sheet(table: Path, sheet: bytes) -> Path:
    """Return a copy of an xlsx file with another sheet."""
    other = table.with_name("other.xlsx")
    with zipfile.ZipFile(table) as source, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, sheet if name == SHEET else source.read(name))
    return other


def entities() -> bytes:
    """A sheet with a text of 10^9 characters, by entities of entities."""
    nested = b"".join(b'<!ENTITY e%d "%s">' % (level + 1, b"&e%d;" % level * 10) for level in range(9))
    kinds = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY e0 "a">' + nested + b"]>"
    return kinds + HEAD + CELL % (1, b"A1", b"&e9;") + TAIL


def test_a_whole_table_is_read(table: Path) -> None:
    assert read_table(table).to_dict("list") == {"patient": ["1"], "side": ["L"]}


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (HEAD + CELL % (1, b"A1", b"a" * (65 << 20)) + TAIL, r"65 MB unpacked; expected a table of at most 64 MB"),
        (HEAD + CELL % (1, b"A1", b"a") + CELL % (1048576, b"XFD1048576", b"b") + TAIL, "goes beyond row 100000"),
        (entities(), "not a table of xlsx"),
        (HEAD + CELL % (1, b"A1", b"a"), "not a table of xlsx"),
    ],
    ids=["bomb", "far cell", "entities", "cut"],
)
def test_hostile_sheets_are_one_line(table: Path, sheet: bytes, message: str) -> None:
    with pytest.raises(InputError, match=rf"other\.xlsx: .*{message}") as raised:
        read_table(with_sheet(table, sheet))
    assert "\n" not in str(raised.value)
