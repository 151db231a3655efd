"""The published schema of the datalist, with clear messages for its findings."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from vdes.data.ids import check_id
from vdes.data.vocabulary import MODALITIES, SECTIONS
from vdes.errors import InputError

SCHEMA = Path(__file__).with_name("schemas") / "datalist.json"

_IDS = ("case", "patient", "examination")
_HEAD = {
    "name": "the name of the data set",
    "pixel_size_mm": "a number above 0, or null where unknown",
    "aligned": "true or false",
    "columns": "a list of different names of fields",
    "report": "an object",
    "phantom": "an object",
    "physical_scales": "an object",
    "oracle": "a list",
    "made_by": "a list of weights as vdes writes it",
}
_MISSING = object()


def check_schema(datalist: dict[str, Any], where: str) -> None:
    """Check each field of a datalist against the schema, without the rules across fields.

    Args:
        datalist: the JSON object.
        where: the file, for messages.

    Raises:
        InputError: one line with file, item, field, the value found and what was expected.
    """
    try:
        _validator()(datalist)
    except fastjsonschema.JsonSchemaValueException as error:
        raise _explained(datalist, where, error) from None


def schema() -> dict[str, Any]:
    """Return the schema, a JSON Schema of draft 2020-12."""
    content: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return content


def is_range(limits: object) -> bool:
    """Return whether ``limits`` are two increasing numbers."""
    return (
        isinstance(limits, list | tuple)
        and len(limits) == 2
        and all(isinstance(limit, int | float) and not isinstance(limit, bool) for limit in limits)
        and all(math.isfinite(limit) for limit in limits)
        and limits[0] < limits[1]
    )


def check_ranges(datalist: dict[str, Any], where: str) -> None:
    """Check that the intensity range of each modality is two increasing numbers.

    Raises:
        InputError: a range is not.
    """
    ranges = datalist.get("intensity_range")
    for modality in MODALITIES:
        limits = ranges.get(modality) if isinstance(ranges, dict) else None
        if not is_range(limits):
            raise InputError(f"{where}: intensity_range: {modality}: {limits!r}; expected two increasing numbers")


def place(where: str, section: str, index: int, item: dict[str, Any]) -> str:
    """Return the location of an item for a message; unprintable characters in its case are escaped."""
    case = str(item.get("case"))
    return f"{where}: {section}[{index}] ({case if case.isprintable() else ascii(case)})"


@cache
def _validator() -> Callable[[dict[str, Any]], Any]:
    # jsonschema takes twenty times as long; both interpret the schema the same way, which a test checks
    found: Callable[[dict[str, Any]], Any] = fastjsonschema.compile(schema(), use_default=False)
    return found


def _explained(datalist: dict[str, Any], where: str, error: fastjsonschema.JsonSchemaValueException) -> InputError:
    """Return a finding of the schema as a message; its name is ``data.test[3].view``, shorter if a field is missing."""
    path = [part for part in re.split(r"[.\[\]]+", str(error.name)) if part][1:]
    if path and path[0] in SECTIONS and len(path) > 1:
        section, index = path[0], int(path[1])
        item = datalist[section][index]
        if not isinstance(item, dict):
            fields = ", ".join(schema()["$defs"]["fields"]["required"])
            return InputError(f"{where}: {section}[{index}]: {item!r}; expected an object with {fields}")
        return _of_item(place(where, section, index, item), item, path[2:], error)
    field = path[0] if path else next(name for name in schema()["required"] if name not in datalist)
    if field in SECTIONS:
        return InputError(f"{where}: {field}: expected a list of items; write [] for a split without items")
    if field == "intensity_range":
        try:
            check_ranges(datalist, where)
        except InputError as found:
            return found
    value = datalist.get(field, _MISSING)
    if value is _MISSING and field == "pixel_size_mm":
        return InputError(f"{where}: pixel_size_mm: is missing; expected millimetres, or null where unknown")
    shown = None if value is _MISSING else value
    return InputError(f"{where}: {field}: {shown!r}; expected {_HEAD.get(field, 'what its schema says')}")


def _of_item(
    where: str, item: dict[str, Any], path: list[str], error: fastjsonschema.JsonSchemaValueException
) -> InputError:
    fields = schema()["$defs"]["fields"]
    if not path:
        missing = [name for name in fields["required"] if name not in item]
        if missing:
            return InputError(f"{where}: {missing[0]}: is missing; write null where it is unknown")
        if item["low_energy"] is None and item["des"] is None:
            return InputError(f"{where}: low_energy: is null, and so is des; expected at least one image")
        return InputError(f"{where}: malignant: {item['malignant']!r} contradicts pathology {item['pathology']!r}")
    field, value = path[0], item[path[0]]
    words = fields["properties"][field].get("enum")
    if words:
        known = ", ".join(str(word) for word in words if word is not None)
        return InputError(f"{where}: {field}: {value!r}; expected one of {known}, or null where unknown")
    if field == "pixel_size_mm":
        return InputError(f"{where}: {field}: {value!r}; expected {_HEAD[field]}")
    if field in _IDS:
        if isinstance(value, str):
            try:
                check_id(value, f"{where}: {field}")
            except InputError as found:
                return found
        return InputError(f"{where}: {field}: {value!r}; expected a text that is not empty")
    return InputError(f"{where}: {field}: {value!r}; expected a path, or null where there is no file")
