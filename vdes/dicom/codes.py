"""Coded concepts, and the items of sequences that hold them."""

from __future__ import annotations

from typing import NamedTuple

from pydicom import Dataset


class Code(NamedTuple):
    """A coded concept; pydicom's own takes long to import, with the whole dictionary of them."""

    value: str
    scheme: str
    meaning: str


def code_item(code: Code) -> Dataset:
    """Return the item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item
