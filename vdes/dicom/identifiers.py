"""Identifiers in a normal form, in which different spellings of the same identifier are equal."""

from __future__ import annotations

import re
import unicodedata

_NUMBERED = re.compile(r"([^\W\d]*)0*(\d+)")


def normal(text: str) -> str:
    """Return a text in a form that ignores case, padding, character width and Unicode composition."""
    return " ".join(unicodedata.normalize("NFKC", text.strip("\0 ")).casefold().split())


def identifier(text: str) -> str:
    """Return an identifier without case, padding and leading zeros: ``P007`` and ``p7`` are the same."""
    plain = normal(text)
    numbered = _NUMBERED.fullmatch(plain)
    return f"{numbered[1]}{numbered[2]}" if numbered else plain
