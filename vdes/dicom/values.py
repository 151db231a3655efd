"""Values of a header, read tolerantly: an empty, doubled or badly encoded value does not make an image unusable."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag, Tag

from vdes.errors import InputError

# UIDs as archives hold them; PS3.5 itself forbids leading zeros in a component and more than 64 characters
_UID = re.compile(r"\d+(\.\d+)+")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|'.*$|".*$""")


class DamageError(InputError):
    """A header or an image is invalid; `vdes.dicom.files.damage_as_input_error` adds the name of the file."""


@cache
def tag_of(keyword: str) -> BaseTag:
    """Return the tag of a keyword; cached, because pydicom looks it up every time."""
    return Tag(keyword)


def value_of(header: Dataset, keyword: str) -> Any:
    """Return the value of an attribute, or None if it is missing, empty or invalid."""
    tag = tag_of(keyword)
    element: Any = header.get_item(tag)
    if element is None:
        return None
    try:
        value = (header[tag] if isinstance(element, RawDataElement) else element).value
    except Exception:  # pydicom converts on access, and raises dozens of exception types for invalid values
        return None
    return None if value is None or (isinstance(value, str) and not value.strip("\0 ")) else value


def values_of(header: Dataset, keyword: str) -> list[Any]:
    """Return the one or more values of an attribute, without empty ones."""
    value = value_of(header, keyword)
    if value is None:
        return []
    if isinstance(value, str) or not hasattr(value, "append"):
        return [value]
    return [one for one in value if one is not None and str(one).strip("\0 ")]


def text_of(header: Dataset, keyword: str) -> str:
    """Return the first value of an attribute as text without padding, or an empty text."""
    values = values_of(header, keyword)
    return str(values[0]).strip("\0 ") if values else ""


def texts_of(header: Dataset, keyword: str) -> list[str]:
    """Return the values of an attribute as texts without padding; empty ones are left out."""
    return [str(one).strip("\0 ") for one in values_of(header, keyword)]


def codes_of(header: Dataset, keyword: str) -> list[str]:
    """Return the values of an attribute in upper case, as code strings are written."""
    return [text.upper() for text in texts_of(header, keyword)]


def numbers_of(header: Dataset, keyword: str) -> list[float]:
    """Return the values of an attribute that are finite numbers."""
    found = []
    for one in values_of(header, keyword):
        try:
            number = float(one)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            found.append(number)
    return found


def number_of(header: Dataset, keyword: str) -> float | None:
    """Return the first value of an attribute that is a finite number, or None."""
    return next(iter(numbers_of(header, keyword)), None)


def items_of(header: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence, without empty ones."""
    value = value_of(header, keyword)
    return [item for item in value if isinstance(item, Dataset) and len(item)] if hasattr(value, "__iter__") else []


def uid_of(header: Dataset, keyword: str) -> str:
    """Return a UID, or an empty text; UIDs that only violate rules of form are accepted."""
    text = text_of(header, keyword)
    return text if _UID.fullmatch(text) and len(text) <= 128 else ""


def is_uid(text: str) -> bool:
    """Return whether a text can serve as a UID."""
    return bool(_UID.fullmatch(text)) and len(text) <= 128


def without_values(message: str) -> str:
    """Return a library's message without quoted values, which might be a patient's name."""
    return _QUOTED.sub("...", message)


def unreadable(header: Dataset) -> list[str]:
    """Return the attributes that are present but have invalid values."""
    found = []
    for tag in [tag for tag in header.keys() if isinstance(header.get_item(tag), RawDataElement)]:  # noqa: SIM118
        try:
            header[tag]
        except Exception:  # see `value_of`
            found.append(keyword_for_tag(tag))
    return found
