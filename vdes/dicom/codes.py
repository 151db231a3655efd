"""Coded concepts and their code sequence items."""

from __future__ import annotations

from typing import NamedTuple

from pydicom import Dataset


class Code(NamedTuple):
    """A coded concept; pydicom's own class is slow to import because it loads the whole dictionary."""

    value: str
    scheme: str
    meaning: str


def code_item(code: Code) -> Dataset:
    """Return the item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item
