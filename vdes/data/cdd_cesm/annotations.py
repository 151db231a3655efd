"""The annotation table of CDD-CESM, from its xlsx or csv file, with names and labels normalised.

Source: Khaled et al., "Categorized contrast enhanced mammography dataset for diagnostic and artificial intelligence
research", Scientific Data 9:122 (2022), doi 10.1038/s41597-022-01238-0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vdes.data.cdd_cesm.names import NAME_FORM, CaseKey, parse_name
from vdes.data.columns import match_columns
from vdes.data.tables import read_table
from vdes.data.vocabulary import BIRADS, DENSITIES, PATHOLOGIES
from vdes.errors import InputError

NAME = "Image_name"
PATIENT = "Patient_ID"
SIDE = "Side"
TYPE = "Type"
AGE = "Age"
DENSITY = "Breast density (ACR)"
BIRADS_COLUMN = "BIRADS"
FINDINGS = "Findings"
VIEW = "View"
TAGS = "Tags"
MACHINE = "Machine"
PATHOLOGY = "Pathology Classification/ Follow up"
COLUMNS = (NAME, PATIENT, SIDE, TYPE, AGE, DENSITY, BIRADS_COLUMN, FINDINGS, VIEW, TAGS, MACHINE, PATHOLOGY)
SHEET = "all"

_TYPES = {"low_energy": "DM", "des": "CESM"}
_UNKNOWN = ("", "_")


@dataclass(frozen=True)
class Annotation:
    """One row of the table: one image.

    Attributes:
        row: row of the table, its header being row 1.
        name: image name as written, trailing spaces included.
        key: the view of the breast that the image shows.
        modality: ``low_energy`` or ``des``.
        age: years, None if unknown.
        density: ``a`` to ``d``, None if unknown (most DES rows omit it).
        birads_written: BI-RADS as written; several findings are joined by ``$``.
        birads: the highest of them: the category of a breast is that of its most suspicious finding.
        findings: free text.
        tags: free text.
        machine: number of the mammograph, None if unknown.
        pathology: ``normal``, ``benign`` or ``malignant``, by pathology or follow-up.
    """

    row: int
    name: str
    key: CaseKey
    modality: str
    age: int | None
    density: str | None
    birads_written: str
    birads: int | None
    findings: str
    tags: str
    machine: int | None
    pathology: str


def read_annotations(path: Path) -> list[Annotation]:
    """Read the annotation table.

    Args:
        path: the official xlsx file (its sheet "all", otherwise its first) or the same table as csv.

    Returns:
        The rows in the file's order.

    Raises:
        InputError: the file cannot be read, a column is missing, a name or label is unknown, a name contradicts the
            other columns, or two rows are for the same image.
    """
    table = read_table(path, SHEET)
    written = match_columns(path, table.columns, dict.fromkeys(COLUMNS, ()))
    for column in COLUMNS:
        if column not in written:
            raise InputError(f"{path}: column '{column}' is missing; expected the columns {', '.join(COLUMNS)}")
    annotations: list[Annotation] = []
    seen: dict[tuple[CaseKey, str], int] = {}
    for row, values in enumerate(table[[written[name] for name in COLUMNS]].to_numpy().tolist(), start=2):
        if not any(value.strip() for value in values):
            continue
        annotation = _annotation(path, row, dict(zip(COLUMNS, values, strict=True)))
        earlier = seen.setdefault((annotation.key, annotation.modality), row)
        if earlier != row:
            raise InputError(
                f"{path}: row {row}: {NAME}: '{annotation.name}' is in row {earlier} already; expected once"
            )
        annotations.append(annotation)
    if not annotations:
        raise InputError(f"{path}: no rows below the header; expected one row per image")
    return annotations


def _annotation(path: Path, row: int, cells: dict[str, str]) -> Annotation:
    name = cells[NAME]
    where = f"{path}: row {row}"
    parsed = parse_name(name)
    if parsed is None:
        raise InputError(f"{where}: {NAME}: '{name}'; expected {NAME_FORM}")
    where = f"{where} ({name.strip()})"
    key, modality = parsed
    values = {column: cell.strip() for column, cell in cells.items()}
    for column, expected in (
        (PATIENT, str(key.number)),
        (SIDE, key.laterality),
        (VIEW, key.view),
        (TYPE, _TYPES[modality]),
    ):
        if values[column] != expected:
            raise InputError(f"{where}: {column}: '{values[column]}'; expected '{expected}' as in the image's name")
    pathology = values[PATHOLOGY].lower()
    if pathology not in PATHOLOGIES:
        raise InputError(f"{where}: {PATHOLOGY}: '{values[PATHOLOGY]}'; expected Normal, Benign or Malignant")
    density = values[DENSITY].lower()
    if density not in (*_UNKNOWN, *DENSITIES):
        raise InputError(f"{where}: {DENSITY}: '{values[DENSITY]}'; expected A, B, C, D, or _ where unknown")
    return Annotation(
        row=row,
        name=name,
        key=key,
        modality=modality,
        age=_number(where, AGE, values[AGE]),
        density=density if density in DENSITIES else None,
        birads_written=values[BIRADS_COLUMN],
        birads=_birads(where, values[BIRADS_COLUMN]),
        findings=values[FINDINGS],
        tags=values[TAGS],
        machine=_number(where, MACHINE, values[MACHINE]),
        pathology=pathology,
    )


def _number(where: str, column: str, text: str) -> int | None:
    if text in _UNKNOWN:
        return None
    if not text.isdigit():
        raise InputError(f"{where}: {column}: '{text}'; expected a whole number, or _ where unknown")
    return int(text)


def _birads(where: str, text: str) -> int | None:
    if text in _UNKNOWN:
        return None
    categories = [part.strip() for part in text.split("$")]
    if any(not part.isdigit() or int(part) not in BIRADS for part in categories):
        raise InputError(
            f"{where}: {BIRADS_COLUMN}: '{text}'; expected 0 to 6, several joined by $, or _ where unknown"
        )
    return max(int(part) for part in categories)
