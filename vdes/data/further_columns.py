"""Further columns of a datalist, such as age or centre, by which a study forms subgroups.

The datalist's ``columns`` names them, and every item has a field of each name: a text, a number, or null where unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vdes.errors import InputError

FIELD = "columns"
# of items and of a study's cases, which a further column may not replace
FIELDS = (
    *("case", "patient", "examination", "laterality", "view", "pathology", "malignant", "density", "birads"),
    *("low_energy", "des", "lesion_mask", "des_lesion_mask", "pixel_size_mm", "evidence", "pairing"),
    *("background_enhancement", "lesion_type", "lesion_size", "findings", "shape", "outline", "pictures", "tags"),
    *("predictions", "registered", "content", "mirrored", "breast_mask"),
)
Value = str | float | None


def column_values(texts: Sequence[str]) -> list[Value]:
    """Return the cells of a column of a table: numbers if all known cells are finite numbers, otherwise texts.

    Args:
        texts: the cells; empty where unknown.
    """
    stripped = [text.strip() for text in texts]
    numbers = [_number(text) for text in stripped]
    if all(number is not None for number, text in zip(numbers, stripped, strict=True) if text):
        return list(numbers)
    return [text or None for text in stripped]


def check_columns(names: Iterable[str], items: Sequence[Mapping[str, Any]], where: str) -> None:
    """Refuse columns that no subgroup can come from.

    Args:
        names: of the columns.
        items: of the datalist, with ``case`` and ``patient``.
        where: the file, for messages.

    Raises:
        InputError: a column has the name of another field, an item lacks it or has another value than a text, a finite
            number or None, or its values are texts that differ between all patients, as names and identifiers do.
    """
    for name in names:
        if name in FIELDS:
            raise InputError(f"{where}: {FIELD}: '{name}'; expected a name that is none of {', '.join(FIELDS)}")
        known: dict[Any, set[str]] = {}
        for item in items:
            value = item.get(name)
            if name not in item or not _is_value(value):
                found = repr(value) if name in item else "is missing"
                raise InputError(
                    f"{where}: case {item['case']}: {name}: {found}; expected a text, a number, or null where unknown, "
                    f"as {FIELD} names it"
                )
            if value is not None:
                known.setdefault(value, set()).add(item["patient"])
        patients: set[str] = set().union(*known.values())
        texts = all(isinstance(value, str) for value in known)
        if texts and 1 < len(patients) <= len(known) and all(len(having) == 1 for having in known.values()):
            raise InputError(
                f"{where}: {name}: differs between all {len(patients)} patients; expected a column with groups, not "
                "one that names each patient"
            )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _is_value(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))
