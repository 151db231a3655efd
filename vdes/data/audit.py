"""Find the patients that splits share, in datalists and in published split lists."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vdes.data.image_header import is_dicom
from vdes.data.json_file import read_json
from vdes.data.tables import SUFFIXES, read_rows
from vdes.data.vocabulary import MODALITIES, SECTIONS
from vdes.dicom.identifiers import identifier
from vdes.errors import InputError

PATIENT_COLUMNS = ("patient", "patient_id", "patientid")
# P and a number at the start of a file name, as in CDD-CESM: a/b/P12_L_DM_CC.jpg
PATIENT_PATTERN = r"(?:^|/)\s*(P\d+)(?![0-9A-Za-z])[^/]*$"


@dataclass(frozen=True)
class Overlap:
    """The patients that two splits share.

    Attributes:
        first: name of one split.
        second: name of the other.
        patients: those in both, sorted.
        smaller: name of the split with fewer patients.
        share: fraction of the smaller split's patients that are in both, 0 to 1.
    """

    first: str
    second: str
    patients: tuple[str, ...]
    smaller: str
    share: float


def read_splits(paths: Sequence[Path], pattern: str = PATIENT_PATTERN) -> dict[str, set[str]]:
    """Read the patients of each split.

    The files are the splits of one experiment: splits with the same name in two files (the training sections of
    two datalists that are used together) are one split.

    Args:
        paths: datalists (.json, each list of items in them is a split) and split lists (tables of .xlsx, .csv, .tsv or
            .txt, each file is a split named after its stem). A split list has one row per image; the delimiter (tab,
            comma or semicolon) and the header are recognised. The patient of a row is in its column ``patient`` or
            ``Patient_ID``, or is found in its cells by the pattern; a bare number n in such a column means Pn.
        pattern: regular expression with one group, the patient; it is searched for in each cell, with folder
            separators converted to /.

    Two spellings of a patient's name, with other case, padding, leading zeros or form of Unicode, are one patient. Of a
    datalist of DICOM images the headers are read too: patients that are one person by them are one, named ``P1 = P2``.

    Returns:
        The patients by name of split; spellings that differ only in upper and lower case are merged under the first.

    Raises:
        InputError: a file cannot be read, a row names no patient, or there are fewer than two splits with patients.
    """
    regex = _compile(pattern)
    splits: dict[str, set[str]] = {}
    spellings: dict[str, str] = {}
    images: dict[Path, str] = {}
    for path in paths:
        suffix = path.suffix.lower()
        if suffix == ".json":
            rows = _datalist_rows(path)
        elif suffix in SUFFIXES:
            rows = _list_rows(path, regex)
        else:
            raise InputError(f"{path}: expected a datalist (.json) or a split list ({', '.join(SUFFIXES)})")
        for split, where, cells in rows:
            patients = {spellings.setdefault(identifier(name), name) for name in _patients(cells, regex)}
            if not patients:
                raise InputError(
                    f"{where}: no patient in {list(cells.values())}; expected a column 'patient' or a file name that "
                    f"matches {pattern}, or pass --patient-pattern"
                )
            splits.setdefault(split, set()).update(patients)
            if len(patients) == 1:
                images |= dict.fromkeys(_dicom_images(path, cells), *patients)
    if len(splits) < 2:
        found = f"only the split '{next(iter(splits))}'" if splits else "no split"
        raise InputError(f"{', '.join(map(str, paths))}: {found} with patients; expected two splits or more to compare")
    persons = _persons(images) if images else {}
    return {split: {persons.get(patient, patient) for patient in patients} for split, patients in splits.items()}


def overlaps(splits: dict[str, set[str]]) -> list[Overlap]:
    """Compare each pair of splits.

    Args:
        splits: patients by name of split, none empty.

    Returns:
        One `Overlap` per pair, in the order of the splits, including pairs without shared patients.
    """
    found = []
    for first, second in itertools.combinations(splits, 2):
        shared = splits[first] & splits[second]
        smaller = min(second, first, key=lambda name: len(splits[name]))
        ordered = sorted(shared, key=lambda patient: (len(patient), patient))
        found.append(Overlap(first, second, tuple(ordered), smaller, len(shared) / len(splits[smaller])))
    return found


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--patient-pattern: '{pattern}' is not a regular expression ({error})") from error
    if regex.groups != 1:
        raise InputError(f"--patient-pattern: '{pattern}' has {regex.groups} groups; expected one, around the patient")
    return regex


def _datalist_rows(path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    content = read_json(path)
    if all(isinstance(content.get(section), list) for section in SECTIONS):
        content = {section: content[section] for section in SECTIONS}  # a vdes datalist, which has other lists too
    for split, items in content.items():
        if not isinstance(items, list) or not all(isinstance(item, dict | str) for item in items):
            continue
        for index, item in enumerate(items):
            cells: dict[str, Any] = item if isinstance(item, dict) else {"image": item}
            texts = {key: value for key, value in cells.items() if isinstance(value, str)}
            yield split, f"{path}: {split}[{index}]", texts


def _list_rows(path: Path, regex: re.Pattern[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    header: list[str] | None = None
    for line, row in read_rows(path):
        if not any(cell.strip() for cell in row):
            continue
        if header is None:
            header = [cell.strip() for cell in row]
            if _is_header(header, regex):
                continue
            header = [str(index) for index in range(len(row))]
        yield path.stem, f"{path}: line {line}", dict(zip(header, row, strict=False))


def _is_header(cells: list[str], regex: re.Pattern[str]) -> bool:
    if any(cell.lower() in PATIENT_COLUMNS for cell in cells):
        return True
    return not _patients(dict(zip(cells, cells, strict=True)), regex)


def _dicom_images(path: Path, cells: dict[str, str]) -> list[Path]:
    """Return the DICOM images of a datalist's item."""
    if path.suffix.lower() != ".json":
        return []
    files = (path.parent / cells[name] for name in MODALITIES if name in cells)
    return [file for file in files if is_dicom(file) and file.is_file()]


def _persons(images: dict[Path, str]) -> dict[str, str]:
    """Return the names of patients that the images' headers say are one person, by the name of each."""
    from vdes.data.dicom_folder.persons import persons_of  # here: other formats do without its extra
    from vdes.dicom.image_facts import read_image_facts

    facts = []
    for file in tqdm(images, desc="DICOM headers", unit="file", disable=None, leave=False):
        with contextlib.suppress(InputError):  # an image that cannot be read tells nothing
            facts.append(read_image_facts(file))
    persons = persons_of(facts)
    names: dict[str, set[str]] = {}  # those of one person, by each of them
    of_person: dict[str, set[str]] = {}
    for image in facts:
        of_person.setdefault(persons.key_of(image), set()).add(images[image.path])
    for alike in of_person.values():
        alike = alike.union(*(names.get(name, set()) for name in alike))
        names |= dict.fromkeys(alike, alike)
    return {
        name: " = ".join(sorted(alike, key=lambda patient: (len(patient), patient))) for name, alike in names.items()
    }


def _patients(cells: dict[str, str], regex: re.Pattern[str]) -> set[str]:
    """Return the patient in the row's patient column, or all patients in its cells."""
    for column, cell in cells.items():
        if column.lower() in PATIENT_COLUMNS and cell.strip():
            patient = cell.strip()
            return {f"P{int(patient)}" if patient.isdigit() else patient}
    matches = (regex.search(cell.strip().replace("\\", "/")) for cell in cells.values())
    return {match[1] for match in matches if match}
