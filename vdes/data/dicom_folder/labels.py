"""Labels of DICOM studies, from a table that the hospital keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vdes.data.tables import read_table
from vdes.data.vocabulary import BIRADS, DENSITIES, LATERALITIES, PATHOLOGIES
from vdes.dicom.image_facts import ImageFacts
from vdes.errors import InputError

STUDY_COLUMNS = ("StudyInstanceUID", "AccessionNumber")
LATERALITY = "laterality"
LABELS: dict[str, tuple[Any, ...]] = {"pathology": PATHOLOGIES, "density": DENSITIES, "birads": BIRADS}
NO_LABELS: dict[str, Any] = dict.fromkeys(LABELS)


@dataclass
class StudyLabels:
    """Labels by study and breast.

    Attributes:
        column: which of `STUDY_COLUMNS` names the study; None without a table.
        rows: labels by study and laterality; an empty laterality means both breasts.
        used: studies in the table whose labels were looked up.
    """

    column: str | None = None
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def of(self, image: ImageFacts) -> dict[str, Any]:
        """Return ``pathology``, ``density`` and ``birads`` of an image's breast, None where unknown."""
        study = image.accession if self.column == "AccessionNumber" else image.study
        for laterality in (image.laterality or "", ""):
            if (study, laterality) in self.rows:
                self.used.add(study)
                return self.rows[study, laterality]
        return NO_LABELS

    @property
    def unused(self) -> int:
        """Number of studies in the table that were never looked up."""
        return len({study for study, _ in self.rows} - self.used)


def read_study_labels(path: Path | None) -> StudyLabels:
    """Read a table of labels.

    Args:
        path: xlsx or csv with a column StudyInstanceUID or AccessionNumber, and any of ``laterality`` (L or R; empty
            for both breasts), ``pathology``, ``density`` and ``birads``. None: no labels.

    Raises:
        InputError: the table cannot be read, names no study, has no label or an unknown one, or labels a breast twice.
    """
    if path is None:
        return StudyLabels()
    table = read_table(path)
    column = next((name for name in STUDY_COLUMNS if name in table.columns), None)
    if column is None:
        raise InputError(f"{path}: no column that names the study; expected one of {', '.join(STUDY_COLUMNS)}")
    if not any(name in table.columns for name in LABELS):
        raise InputError(f"{path}: no label column; expected any of {', '.join(LABELS)}")
    labels = StudyLabels(column)
    for number, cells in enumerate(table.to_dict("records"), start=2):
        row = {str(name): str(cell).strip() for name, cell in cells.items()}
        if not any(row.values()):
            continue
        where = f"{path}: row {number}"
        study, laterality = row[column], row.get(LATERALITY, "").upper()
        if not study:
            raise InputError(f"{where}: {column}: is empty; expected the study")
        if laterality and laterality not in LATERALITIES:
            raise InputError(f"{where}: {LATERALITY}: '{row[LATERALITY]}'; expected L, R, or empty for both breasts")
        if (study, laterality) in labels.rows:
            raise InputError(f"{where}: {column}: already labelled above; expected one row per study or breast")
        labels.rows[study, laterality] = {name: _label(where, name, row.get(name, "")) for name in LABELS}
    return labels


def _label(where: str, name: str, text: str) -> Any:
    known = {str(label): label for label in LABELS[name]}
    if text and text.lower() not in known:
        raise InputError(f"{where}: {name}: '{text}'; expected one of {', '.join(known)}, or empty if unknown")
    return known[text.lower()] if text else None
