"""Labels of DICOM studies, from a table that the hospital keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.columns import match_columns
from vdes.data.further_columns import Value, column_values
from vdes.data.tables import read_table
from vdes.data.vocabulary import BIRADS, DENSITIES, PATHOLOGIES
from vdes.dicom.image_facts import ImageFacts
from vdes.errors import InputError

LATERALITY = "laterality"
LABELS: dict[str, tuple[Any, ...]] = {"pathology": PATHOLOGIES, "density": DENSITIES, "birads": BIRADS}
# further names of the columns, which tables of hospitals and of published data sets have
STUDY_COLUMNS = {
    "StudyInstanceUID": ("study UID", "SUID"),
    "AccessionNumber": ("accession", "accession no", "acc no"),
}
BREAST_COLUMNS = {
    LATERALITY: ("side", "breast", "breast side", "breast laterality", "image laterality", "left right", "L/R"),
    "pathology": (
        *(
            "pathology classification",
            "pathology classification/ follow up",
            "pathology label",
            "pathological diagnosis",
        ),
        *("diagnosis", "histology", "final diagnosis"),
    ),
    "density": ("breast density", "breast density (ACR)", "ACR density", "ACR", "BI-RADS density", "density (ACR)"),
    "birads": ("BI-RADS category", "BI-RADS assessment", "BI-RADS score", "assessment"),
}
SIDES = {"l": "L", "left": "L", "r": "R", "right": "R", "": ""}
NO_LABELS: dict[str, Any] = dict.fromkeys(LABELS)


@dataclass
class StudyLabels:
    """Labels by study and breast.

    Attributes:
        column: which of `STUDY_COLUMNS` names the study; None without a table.
        rows: labels by study and laterality; an empty laterality means both breasts.
        used: studies in the table whose labels were looked up.
        columns: the columns of the table by the names that they have here.
        further: names of the further columns.
    """

    column: str | None = None
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    columns: dict[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()

    def of(self, image: ImageFacts) -> dict[str, Any]:
        """Return the `LABELS` and further columns of an image's breast, None where unknown."""
        study = image.accession if self.column == "AccessionNumber" else image.study
        for laterality in (image.laterality or "", ""):
            if (study, laterality) in self.rows:
                self.used.add(study)
                return self.rows[study, laterality]
        return {**NO_LABELS, **dict.fromkeys(self.further)}

    def notes(self) -> list[str]:
        """Return what was understood of the table: its columns, and how many studies have a label of each kind."""
        if self.column is None:
            return []
        read = ", ".join(f"{name} from '{written}'" for name, written in self.columns.items())
        counts = {
            name: len({study for (study, _), row in self.rows.items() if row[name] is not None}) for name in LABELS
        }
        labelled = ", ".join(f"{count} with {name}" for name, count in counts.items())
        return [f"studies of the table, {labelled}; {read}"]

    @property
    def unused(self) -> int:
        """Number of studies in the table that were never looked up."""
        return len({study for study, _ in self.rows} - self.used)


def read_study_labels(path: Path | None, further: Sequence[str] = ()) -> StudyLabels:
    """Read a table of labels.

    Names of columns may be written in any case, with spaces or underscores, and by their `STUDY_COLUMNS` and
    `BREAST_COLUMNS`, as ``Side``. Other columns are passed over, unless they look like one that is missing.

    Args:
        path: xlsx, csv or another file that `read_table` reads, with a column StudyInstanceUID or AccessionNumber, and
            any of ``laterality`` (L, left, R or right; empty for both breasts), ``pathology``, ``density`` and
            ``birads``. None: no labels.
        further: names of further columns, whose values are kept, see `vdes.data.further_columns.column_values`.

    Raises:
        InputError: the table cannot be read, names no study, has no label or an unknown one, labels a breast twice, or
            a column cannot be understood or is missing.
    """
    if path is None:
        if further:
            raise InputError(f"columns: {further[0]}: expected a table of labels to take it from")
        return StudyLabels()
    table = read_table(path)
    studies = match_columns(path, table.columns, STUDY_COLUMNS)
    if not studies:
        raise InputError(f"{path}: no column that names the study; expected one of {', '.join(STUDY_COLUMNS)}")
    column = next(name for name in STUDY_COLUMNS if name in studies)
    others = [name for name in table.columns if name not in studies.values()]
    columns = match_columns(path, others, BREAST_COLUMNS)
    if not any(name in columns for name in LABELS):
        raise InputError(f"{path}: no label column; expected any of {', '.join(LABELS)}")
    values = _further_values(path, table, further, {*studies.values(), *columns.values()})
    labels = StudyLabels(column, columns={column: studies[column], **columns}, further=tuple(further))
    for number, cells in enumerate(table.to_dict("records"), start=2):
        row = {name: str(cells[written]).strip() for name, written in labels.columns.items()}
        if not any(row.values()):
            continue
        where = f"{path}: row {number}"
        study, side = row[column], row.get(LATERALITY, "")
        if not study:
            raise InputError(f"{where}: {studies[column]}: is empty; expected the study")
        if side.lower() not in SIDES:
            raise InputError(f"{where}: {columns[LATERALITY]}: '{side}'; expected L, R, or empty for both breasts")
        laterality = SIDES[side.lower()]
        if (study, laterality) in labels.rows:
            raise InputError(
                f"{where}: {studies[column]}: already labelled above; expected one row per study or breast"
            )
        labels.rows[study, laterality] = {
            name: _label(f"{where}: {columns.get(name)}", name, row.get(name, "")) for name in LABELS
        } | {name: values[name][number - 2] for name in further}
    return labels


def _further_values(path: Path, table: pd.DataFrame, further: Sequence[str], read: set[str]) -> dict[str, list[Value]]:
    """Return the values of further columns by name."""
    for place, name in enumerate(further):
        others = [column for column in table.columns if column and column not in read]
        if name not in others:
            known = ", ".join(others) or "none"
            raise InputError(f"{path}: column '{name}': is not one of its further columns; expected some of {known}")
        if name in further[:place]:
            raise InputError(f"columns: '{name}' is there twice; expected each name once")
        if not any(text.strip() for text in table[name]):
            raise InputError(f"{path}: column '{name}': is empty; expected a column with values")
    return {name: column_values(table[name].tolist()) for name in further}


def _label(where: str, name: str, text: str) -> Any:
    known = {str(label): label for label in LABELS[name]}
    if text and text.lower() not in known:
        raise InputError(f"{where}: '{text}'; expected one of {', '.join(known)}, or empty if unknown")
    return known[text.lower()] if text else None
