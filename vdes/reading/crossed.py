"""The first readings as a fully crossed design: every reader has read every case in every modality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vdes.errors import InputError

LEAST_READ = 0.8  # of the readings: a reader with fewer is left out
KNOWN_ORDER = ("low_energy", "real", "virtual")
KEYS = ["reader", "case", "modality"]


@dataclass(frozen=True)
class Crossed:
    """A crossed design.

    Attributes:
        readers: their codes.
        modalities: low energy, real and virtual DES first, in this order.
        cases: one row per case, with ``case``, ``patient``, ``malignant`` and the other columns of the truth.
        readings: one row for each modality, reader and case, in this order.
        left_out_readers: the number of readings that each had made.
        left_out_cases: cases that a remaining reader has not read in all modalities.
    """

    readers: list[str]
    modalities: list[str]
    cases: pd.DataFrame
    readings: pd.DataFrame
    left_out_readers: dict[str, int]
    left_out_cases: list[str]

    def cube(self, column: str) -> np.ndarray:
        """Return a column of the readings as an array (modalities, readers, cases)."""
        shape = len(self.modalities), len(self.readers), len(self.cases)
        return self.readings[column].to_numpy().reshape(shape)

    @property
    def malignant(self) -> np.ndarray:
        """Labels (cases,), 0 or 1."""
        return self.cases["malignant"].to_numpy(dtype=int)


def crossed(readings: pd.DataFrame, truth: pd.DataFrame) -> Crossed:
    """Return the crossed design formed by the first readings.

    Readers who made less than `LEAST_READ` of their readings are left out first, then cases with a missing reading.

    Args:
        readings: ``reader``, ``case``, ``modality``, ``repeat`` and more; repeated readings are ignored.
        truth: one row per case, with ``case``, ``patient`` and ``malignant``.

    Raises:
        InputError: there is no reading, one is duplicated or of an unknown case, a case is duplicated or has no
            label, no reader has read enough, or fewer than two cases of a class are left.
    """
    _check(readings, truth)
    first = readings[readings["repeat"] == 0]
    if first.empty:
        raise InputError("readings: there are none yet; expected readings to analyse")
    found = set(first["modality"])
    modalities = [name for name in KNOWN_ORDER if name in found]
    modalities += [name for name in first["modality"].unique() if name not in modalities]
    counts = {str(name): int(number) for name, number in first["reader"].value_counts().items()}
    enough = LEAST_READ * len(truth) * len(modalities)
    readers = sorted((name for name in counts if counts[name] >= enough), key=_natural)
    if not readers:
        most = max(counts, key=lambda name: counts[name])
        raise InputError(
            f"readings: no reader has read enough: reader {most} has made {counts[most]} of "
            f"{len(truth) * len(modalities)} readings; expected {LEAST_READ:.0%} or more"
        )
    kept = first[first["reader"].isin(readers)]
    complete = kept.groupby("case").size() == len(readers) * len(modalities)
    cases = truth[truth["case"].map(complete).fillna(False).to_numpy(dtype=bool)].reset_index(drop=True)
    for label, name in ((1, "malignant"), (0, "other")):
        if (number := int((cases["malignant"] == label).sum())) < 2:
            raise InputError(
                f"readings: {number} {name} cases were read by all readers in all modalities; expected two or more"
            )
    order = pd.MultiIndex.from_product([modalities, readers, cases["case"]], names=["modality", "reader", "case"])
    table = kept.set_index(["modality", "reader", "case"]).loc[order].reset_index()
    left_out = [str(case) for case in truth["case"] if case not in set(cases["case"])]
    return Crossed(
        readers,
        modalities,
        cases,
        table,
        {name: counts[name] for name in sorted(set(counts) - set(readers), key=_natural)},
        left_out,
    )


def _check(readings: pd.DataFrame, truth: pd.DataFrame) -> None:
    for name, table, columns in (
        ("readings", readings, [*KEYS, "repeat"]),
        ("truth", truth, ["case", "patient", "malignant"]),
    ):
        missing = [column for column in columns if column not in table]
        if missing:
            raise InputError(f"{name}: no column `{missing[0]}`")
    if truth["case"].duplicated().any():
        raise InputError(f"truth: case {truth.loc[truth['case'].duplicated(), 'case'].iloc[0]} is there twice")
    unknown = truth[~truth["malignant"].isin([0, 1])]
    if len(unknown):
        raise InputError(f"truth: case {unknown['case'].iloc[0]}: malignant: expected 0 or 1")
    strange = readings[~readings["case"].isin(truth["case"])]
    if len(strange):
        raise InputError(f"readings: case {strange['case'].iloc[0]} is not among the cases whose truth is known")
    twice = readings[readings.duplicated([*KEYS, "repeat"])]
    if len(twice):
        row = twice.iloc[0]
        raise InputError(
            f"readings: reader {row['reader']}, case {row['case']}, {row['modality']}: reading {row['repeat']} is "
            "there twice"
        )


def _natural(name: str) -> tuple[int, str]:
    """Order R2 before R10."""
    return len(name), name
