"""The variables by which a study forms subgroups, and each case's group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

VARIABLES = ("view", "density", "background_enhancement", "lesion_type", "lesion_size", "birads")
SIZES_MM = {"below 10 mm": (0.0, 10.0), "10 to 20 mm": (10.0, 20.0), "20 mm and more": (20.0, np.inf)}
THIRDS = ("smallest third", "middle third", "largest third")
MOST_CODES = 6  # numeric columns of at most so many values are codes, such as the number of a machine


def group_table(cases: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return each case's group by variable, None where unknown.

    Args:
        cases: the cases of cases.json: the fields of `VARIABLES` and ``columns``, ``outline`` and ``pixel_size_mm``.
        columns: the datalist's further columns.

    Returns:
        A column for each variable, texts, with the case as index. Groups of a variable are ordered as sorted texts,
        those of a column that was cut in thirds by their bounds.
    """
    table = pd.DataFrame(index=[case["case"] for case in cases])
    for name in VARIABLES:
        table[name] = [None if case.get(name) is None else str(case[name]) for case in cases]
    sizes = lesion_sizes(cases)
    table["lesion_size"] = [sizes[case["case"]] for case in cases]
    for name in columns:
        table[name] = column_groups([case.get(name) for case in cases])
    return table


def column_groups(values: Sequence[str | float | None]) -> list[str | None]:
    """Return the groups of a column: its texts, or thirds of its numbers, cut at the quantiles of the known cases.

    Numbers of at most `MOST_CODES` values are codes, each a group of its own.
    """
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known) or len(set(known)) <= MOST_CODES:
        return [None if value is None else f"{value:g}" if not isinstance(value, str) else value for value in values]
    numbers = np.asarray(known, dtype=float)
    low, high = np.quantile(numbers, [1 / 3, 2 / 3], method="higher")
    above = numbers[numbers > numbers.min()]
    edges = sorted({float(edge) for edge in (low, high) if edge > numbers.min()}) or [float(above.min())]
    labels = [f"below {edges[0]:g}", *(f"{a:g} to below {b:g}" for a, b in pairwise(edges))]
    labels.append(f"{edges[-1]:g} and more")
    return [
        None if value is None else labels[int(np.searchsorted(edges, float(value), side="right"))] for value in values
    ]


def lesion_sizes(cases: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """Return the size class of each case's largest lesion by the diameter of a circle of its area.

    In mm if the pixel size of all cases is known, otherwise in thirds of the data set.
    """
    diameters = {case["case"]: _diameter(case["outline"]) for case in cases}
    if all(case.get("pixel_size_mm") for case in cases):
        scale = {case["case"]: float(case["pixel_size_mm"]) for case in cases}
        return {
            name: next(
                (label for label, (low, high) in SIZES_MM.items() if d > 0 and low <= d * scale[name] < high), None
            )
            for name, d in diameters.items()
        }
    present = [d for d in diameters.values() if d > 0]
    if not present:
        return dict.fromkeys(diameters)
    edges = np.quantile(present, [1 / 3, 2 / 3])
    return {name: THIRDS[int(np.searchsorted(edges, d))] if d > 0 else None for name, d in diameters.items()}


def _diameter(outline: Sequence[Sequence[Sequence[float]]]) -> float:
    """Return the diameter in px of a circle with the area of the largest polygon, 0 without one."""
    areas = [0.0]
    for polygon in outline:
        x, y = np.asarray(polygon, dtype=float).T
        areas.append(abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2)
    return 2 * float(np.sqrt(max(areas) / np.pi))
