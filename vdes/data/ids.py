"""Names of cases and patients: what one may be, and when two are the same."""

from __future__ import annotations

import re
import unicodedata

from vdes.errors import InputError

MAX_LENGTH = 128  # characters
MAX_BYTES = 240  # in UTF-8: file systems take 255, and a suffix follows
# white space at an end, control characters, separators, and starts that a folder, a drive, a spreadsheet or a command
# line takes for something else; the schema of the datalist has the same pattern
_REFUSED = re.compile(r"^[.=+@-]|^[A-Za-z]:|^\s|[\x00-\x1f\x7f-\x9f/\\]|\s\Z")


def check_id(text: str, where: str) -> None:
    """Refuse an id that cannot name a file, or that looks like another one.

    Args:
        text: the id of a case or a patient.
        where: file, item and field, for the message.

    Raises:
        InputError: it is empty or too long, has a separator, a control or an invisible character, white space at its
            ends or one of . = + - @ at its start, or is not in Unicode's form NFC.
    """
    if not text:
        raise InputError(f"{where}: {text!r}; expected a text that is not empty")
    if len(text) > MAX_LENGTH or len(text.encode(errors="replace")) > MAX_BYTES:
        raise InputError(f"{where}: {text[:16]!r}...; expected at most {MAX_LENGTH} characters ({MAX_BYTES} bytes)")
    if _REFUSED.search(text):
        raise InputError(
            f"{where}: {text!a}; expected a text that can name a file: no / or \\, no control character, no white "
            "space at its ends, none of . = + - @ at its start"
        )
    if text.isascii():
        return
    hidden = next((sign for sign in text if not sign.isprintable()), None)
    if hidden is not None:
        raise InputError(f"{where}: {text!a}; expected no invisible character such as U+{ord(hidden):04X}")
    if not unicodedata.is_normalized("NFC", text):
        raise InputError(f"{where}: {text!a}; expected Unicode's form NFC, in which é is one character")


def same_id(text: str) -> str:
    """Return what ids that a reader takes for the same have in common: P1, p1 and P1 in full width."""
    return text.casefold() if text.isascii() else " ".join(unicodedata.normalize("NFKC", text).casefold().split())
