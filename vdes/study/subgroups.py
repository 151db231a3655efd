"""Where do virtual images fail? The study's metrics by subgroups of the cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.arms import Arm, compared
from vdes.study.question import Question
from vdes.study.study_tables import at_level, records

VARIABLES = ("view", "density", "background_enhancement", "lesion_type", "lesion_size", "birads")
METRICS = ("sensitivity", "specificity", "auc")
FEWEST_CASES = 10  # smaller groups have uninformative intervals
RESAMPLES = 2000
SIZES_MM = {"below 10 mm": (0.0, 10.0), "10 to 20 mm": (10.0, 20.0), "20 mm and more": (20.0, np.inf)}
THIRDS = ("smallest third", "middle third", "largest third")


def subgroups(
    cases: Sequence[Mapping[str, Any]], arms: Sequence[Arm], predictions: Mapping[str, pd.DataFrame], question: Question
) -> list[dict[str, Any]]:
    """Return metrics of the virtual arms and their references by density, view, lesion, and so on, at image level.

    Subgroups are exploratory: among so many of them some differ by chance.

    Args:
        cases: the cases of cases.json: the fields of `VARIABLES`, ``outline`` and ``pixel_size_mm``.
        arms: the arms with predictions.
        predictions: by arm.
        question: the question, with the confidence and seed of the intervals.

    Returns:
        Rows with ``variable``, ``group``, ``arm`` and ``reference``, and the value of both and their difference with
        paired bootstrap intervals. Groups of fewer than `FEWEST_CASES` cases are left out, as are metrics that are
        undefined in a group, such as the sensitivity without malignant cases.

    """
    known = pd.DataFrame([{name: case.get(name) for name in ("case", *VARIABLES)} for case in cases]).set_index("case")
    known["lesion_size"] = lesion_sizes(cases)
    rows = []
    for arm, reference in compared(arms, predictions, "virtual"):
        tables = {name: at_level(predictions[name], "image") for name in (reference, arm.arm)}
        for variable in VARIABLES:
            of_case = tables[reference]["case"].map(known[variable])
            for group in sorted(of_case.dropna().unique(), key=str):
                chosen = set(tables[reference].loc[of_case == group, "case"])
                if len(chosen) < FEWEST_CASES:
                    continue
                part = {name: table[table["case"].isin(chosen)] for name, table in tables.items()}
                found = paired_bootstrap(
                    part, reference, _defined(part[arm.arm]), RESAMPLES, question.seed, question.confidence
                ).assign(variable=variable, group=str(group), level="image", reference=reference)
                rows += records(found.drop(columns="standard_error"))
    unique = {
        (*(row[key] for key in ("variable", "group", "arm", "metric", "statistic")), row["reference"]): row
        for row in rows
    }
    return list(unique.values())


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


def _defined(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the metrics that are defined in a group."""
    classes = set(table["malignant"].astype(bool))
    needs = {"sensitivity": {True}, "specificity": {False}, "auc": {True, False}}
    return tuple(name for name in METRICS if needs[name] <= classes)
