"""Read xlsx and csv tables as text."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from vdes.errors import InputError


def read_table(path: Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a table with all cells as text; empty cells are empty texts, and column names are stripped of spaces.

    Args:
        path: xlsx or csv (UTF-8).
        sheet: sheet of an xlsx file; the first if there is none of that name.

    Raises:
        InputError: the file cannot be read or is not a table.
    """
    try:
        if path.suffix.lower() == ".xlsx":
            with pd.ExcelFile(path) as book:
                table = book.parse(sheet if sheet in book.sheet_names else 0, dtype=str, keep_default_na=False)
        else:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, KeyError, zipfile.BadZipFile) as error:  # pandas' and openpyxl's parsing errors are ValueErrors
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a readable xlsx or csv table ({reason})") from error
    table.columns = table.columns.astype(str).str.strip()
    return table
