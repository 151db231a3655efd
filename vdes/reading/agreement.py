"""How well readers agree with each other and with themselves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from vdes.statistics.mrmc.weighted_kappa import weighted_kappa

BIRADS = ("1", "2", "3", "4A", "4B", "4C", "5", "6")
BIRADS_UNDIVIDED = ("1", "2", "3", "4", "5", "6")
# the ordered terms of the form; BI-RADS 0, an incomplete assessment, has no rank and is left out
SCALES: dict[str, tuple[str, ...]] = {
    "birads": BIRADS,
    "bpe": ("minimal", "mild", "moderate", "marked"),
    "conspicuity": ("low", "moderate", "high"),
}
WITHIN, BETWEEN = "within", "between"
LEAST_READINGS = 10  # compared; a kappa from fewer is meaningless


def agreement_rows(
    readings: pd.DataFrame, readers: Sequence[str], n_resamples: int = 2000, seed: int = 0, confidence: float = 0.95
) -> list[dict[str, Any]]:
    """Return the quadratic-weighted kappa between readers and within each, by modality and scale.

    Args:
        readings: all readings, repeated ones included, with ``reader``, ``case``, ``patient``, ``modality``,
            ``repeat`` and the columns of `SCALES`; missing ones are skipped.
        readers: the readers to compare.
        n_resamples: bootstrap samples of patients.
        seed: of the bootstrap.
        confidence: of the intervals.

    Returns:
        One row per scale, modality and ``agreement``: ``between`` (the mean over pairs of readers, first readings) and
        ``within`` (the mean over readers, first against each repeated reading), with ``value``, ``low``, ``high``, the
        number of ``pairs`` and of ``readings`` compared. No row for fewer than `LEAST_READINGS` readings.
    """
    chosen = readings[readings["reader"].isin(list(readers))]
    rows = []
    for scale, grades in SCALES.items():
        if scale not in chosen:
            continue
        values = chosen[scale].fillna("").astype(str)
        if scale == "birads" and (values == "4").any():
            grades, values = BIRADS_UNDIVIDED, values.str.replace(r"^4[ABC]$", "4", regex=True)
        graded = chosen.assign(grade=values.map({grade: float(place) for place, grade in enumerate(grades)}))
        for modality, part in graded.groupby("modality", sort=False):
            patients = part.drop_duplicates("case").set_index("case")["patient"].sort_index()
            table = part.pivot(index="case", columns=["reader", "repeat"], values="grade").reindex(patients.index)
            for kind, pairs in ((BETWEEN, _between(table)), (WITHIN, _within(table))):
                compared = sum(int((~np.isnan(first) & ~np.isnan(second)).sum()) for first, second in pairs)
                if compared < LEAST_READINGS:
                    continue
                found = weighted_kappa(pairs, len(grades), patients, n_resamples, seed, confidence)
                rows.append(
                    {"scale": scale, "modality": modality, "agreement": kind}
                    | {name: None if np.isnan(value) else float(value) for name, value in found._asdict().items()}
                    | {"pairs": len(pairs), "readings": compared}
                )
    return rows


def _between(table: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    first = [values for (_, repeat), values in _columns(table).items() if repeat == 0]
    return list(combinations(first, 2))


def _within(table: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    columns = _columns(table)
    return [
        (columns[reader, 0], values)
        for (reader, repeat), values in columns.items()
        if repeat > 0 and (reader, 0) in columns
    ]


def _columns(table: pd.DataFrame) -> dict[tuple[str, int], np.ndarray]:
    """Return the grades of each reader and repeat."""
    keys = zip(table.columns.get_level_values(0), table.columns.get_level_values(1), strict=True)
    return {
        (str(reader), int(repeat)): table.iloc[:, place].to_numpy(float) for place, (reader, repeat) in enumerate(keys)
    }
