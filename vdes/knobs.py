"""Knobs of bundles, as configs and command lines give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from vdes.errors import InputError

Value = TypeVar("Value")


def switch(name: str, value: bool | str) -> bool:
    """Return the state of a knob, from a config (a boolean) or a command line, where ``--amp false`` is a text.

    Raises:
        InputError: the value is neither a boolean nor the text true or false, in whatever case.
    """
    if isinstance(value, bool):
        return value
    if str(value).lower() not in ("true", "false"):
        raise InputError(f"{name}: {value!r}; expected true or false")
    return str(value).lower() == "true"


def choice(name: str, value: str, choices: Mapping[str, Value]) -> Value:
    """Return what a knob's text stands for.

    Raises:
        InputError: the text is none of the choices.
    """
    if value not in choices:
        raise InputError(f"{name}: {value!r}; expected {' or '.join(choices)}")
    return choices[value]
