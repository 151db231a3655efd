"""Read tables as text: xlsx, csv, tsv and txt."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pandas as pd

from vdes.errors import InputError

SUFFIXES = (".xlsx", ".csv", ".tsv", ".txt")

MAX_BYTES = 64 << 20  # of an xlsx file, unpacked
MAX_ROWS, MAX_COLUMNS = 100_000, 1_000  # of a sheet, up to its last cell, which may be far from the others

_DELIMITERS = ",;\t"


def read_table(path: Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a table with all cells as text; empty cells are empty texts, and column names are stripped of spaces.

    Args:
        path: xlsx, or a text file in UTF-8 with commas, semicolons or tabs between the cells.
        sheet: sheet of an xlsx file; the first if there is none of that name.

    Raises:
        InputError: the file cannot be read or is not a table.
    """
    rows = read_rows(path, sheet)
    names = [cell.strip() for cell in next(rows, (0, [""]))[1]]
    if not any(names):
        raise InputError(f"{path}: not a table: its first line is empty; expected the names of the columns")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column '{twice[0]}' is there {names.count(twice[0])} times; expected once")
    cells = []
    for line, row in rows:
        if any(cell.strip() for cell in row[len(names) :]):
            raise InputError(f"{path}: line {line}: {len(row)} cells; expected {len(names)}, as in the first line")
        cells.append(row[: len(names)] + [""] * (len(names) - len(row)))
    return pd.DataFrame(cells, columns=names, dtype=str)


def read_rows(path: Path, sheet: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a table, each with the number of its line in the file, as `read_table` reads them.

    Raises:
        InputError: as `read_table`.
    """
    try:
        if path.suffix.lower() == ".xlsx":
            _check_size(path)
            with pd.ExcelFile(path) as book:
                known = sheet if sheet in book.sheet_names else 0
                table = book.parse(known, header=None, dtype=str, keep_default_na=False)
            return iter([(number, list(row)) for number, row in enumerate(table.to_numpy().tolist(), start=1)])
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8; expected a table ({', '.join(SUFFIXES)})") from error
    except InputError:
        raise
    # openpyxl's errors are ValueErrors, those of XML SyntaxErrors
    except (ValueError, KeyError, SyntaxError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a table of xlsx ({reason})") from error
    return _rows_of_text(path, text)


def _check_size(path: Path) -> None:
    """Refuse an xlsx file whose sheets would take much memory: a file of some kilobytes can stand for gigabytes."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > MAX_BYTES:
        raise InputError(f"{path}: {unpacked >> 20} MB unpacked; expected a table of at most {MAX_BYTES >> 20} MB")
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                if number > MAX_ROWS or len(row) > MAX_COLUMNS:
                    raise InputError(
                        f"{path}: sheet '{sheet.title}' goes beyond row {MAX_ROWS} or column {MAX_COLUMNS}; "
                        "expected a smaller table"
                    )
    finally:
        book.close()


def _rows_of_text(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    lines = text.splitlines(keepends=True)
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=max(_DELIMITERS, key=first.count))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not a row of a table ({error})") from error
