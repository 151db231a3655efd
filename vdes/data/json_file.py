"""Read JSON that others wrote: bounded, and without what JSON does not have."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from vdes.errors import InputError

MAX_BYTES = 256 << 20  # half a million items of a datalist
MAX_DEPTH = 32
MAX_DIGITS = 18  # of an integer: what 64 bits hold

_NESTED = (dict, list)

PathLike = str | os.PathLike[str]


def read_json(path: PathLike, expected: str = "a datalist") -> dict[str, Any]:
    """Read a JSON object from a file.

    Args:
        path: the file, in UTF-8.
        expected: what it should be, for the message.

    Raises:
        InputError: as `read_bytes` and `parsed_json`.
    """
    return parsed_json(path, read_bytes(path, expected), expected)


def read_bytes(path: PathLike, expected: str = "a datalist") -> bytes:
    """Return the content of a file of text.

    Raises:
        InputError: the file cannot be read or has more than `MAX_BYTES` bytes.
    """
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected {expected}") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: has more than {MAX_BYTES >> 20} MB; expected {expected} of that size at most")
    return content


def parsed_json(path: PathLike, content: bytes, expected: str = "a datalist") -> dict[str, Any]:
    """Return the JSON object that the bytes of a file hold.

    Raises:
        InputError: it is not JSON in UTF-8 or not an object, a key is there twice, a number is not finite or is an
            integer of more than `MAX_DIGITS` digits, or values are nested more than `MAX_DEPTH` deep.
    """
    odd: list[_Odd] = []

    def integer(text: str) -> int | _Odd:
        if len(text) <= MAX_DIGITS:
            return int(text)
        digits = len(text.lstrip("-"))
        return int(text) if digits <= MAX_DIGITS else refused(f"an integer of {digits} digits")

    def number(text: str) -> float | _Odd:
        value = float(text)
        return value if math.isfinite(value) else refused(text)

    def refused(text: str) -> _Odd:
        odd.append(_Odd(text))
        return odd[-1]

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            case = f" in case {found['case']!r}" if "case" in found else ""
            raise InputError(f"{path}: {twice!r} is there {keys.count(twice)} times{case}; expected each field once")
        return found

    try:
        text = content.decode("utf-8-sig")
        parsed = json.loads(
            text, parse_int=integer, parse_float=number, parse_constant=refused, object_pairs_hook=fields
        )
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8; expected {expected}") from error
    except RecursionError:
        raise InputError(f"{path}: nested too deep; expected at most {MAX_DEPTH} levels") from None
    if not isinstance(parsed, dict):
        raise InputError(f"{path}: holds a JSON {type(parsed).__name__}; expected an object")
    if _too_deep(parsed):
        raise InputError(f"{path}: nested too deep; expected at most {MAX_DEPTH} levels")
    if odd:
        where = ": ".join(_places(parsed, odd[0]) or [])
        raise InputError(
            f"{path}: {where}: {odd[0].text}; expected a finite number of at most {MAX_DIGITS} digits, or null where "
            "unknown"
        )
    return parsed


class _Odd:
    """Stands for a number that is refused, until its place is known."""

    def __init__(self, text: str) -> None:
        self.text = text


def _places(value: Any, odd: _Odd) -> list[str] | None:
    """Return the fields that lead to a value, as ``['test[0] (P1_L_CC)', 'pixel_size_mm']``, or None."""
    if value is odd:
        return []
    if isinstance(value, dict):
        for key, inside in value.items():
            found = _places(inside, odd)
            if found is not None:
                index = found.pop(0) if found and found[0].startswith("[") else ""
                return [f"{key}{index}", *found]
    if isinstance(value, list):
        for number, inside in enumerate(value):
            found = _places(inside, odd)
            if found is not None:
                case = f" ({inside['case']!r})" if isinstance(inside, dict) and "case" in inside else ""
                return [f"[{number}]{case}", *found]
    return None


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inside
            for outer in level
            for inside in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inside, _NESTED)
        ]
        if not level:
            return False
    return True
