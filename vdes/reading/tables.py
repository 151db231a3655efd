"""A reader study as tables: readings and truth, for the analysis at the end of the study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.json_file import read_json
from vdes.errors import InputError
from vdes.reading.form import DES, FORMS
from vdes.reading.frames import KINDS
from vdes.reading.plan import IMAGES, KEY_FILE, read_plan
from vdes.reading.store import Store
from vdes.reading.worklist import CHOICE, QUALITY, READING, chosen_real

WORK = ("task", "reader", "session", "position", "repeat", "case", "modality", "part")
READINGS = (
    *("reader", "session", "position", "repeat", "case", "patient", "laterality", "modality"),
    *("birads", "malignancy", "confidence", "bpe", "conspicuity", "lesion_type", "internal_enhancement", "margin"),
    *("marks", "missing", "distorted", "invented", "seconds"),
)
TRUTH = ("case", "patient", "laterality", "malignant", "pathology", "lesion_type", "density", "lesions")
_TEXTS = [field.name for field in FORMS[DES] if field.kind == "choice" and isinstance(field.options[0], str)]


def readings_table(folder: Path) -> pd.DataFrame:
    """Return the readings, one row per reader, case, modality and repeat.

    Returns:
        ``reader`` (R1, ...), ``session``, ``position``, ``repeat`` (0 for the first reading in time), ``case``,
        ``patient`` (both codes of the plan), ``laterality``, ``modality`` (low_energy, real or virtual: low energy
        alone, or together with DES), ``birads`` (text), ``malignancy`` (0 to 100), ``confidence`` (1 to 5),
        the lexicon's terms (empty if not asked), ``marks`` (a list of dictionaries with ``view``, ``x``,
        ``y`` in pixels of the image), ``missing``, ``distorted`` and ``invented`` (0 or 1; None where not asked) and
        ``seconds``.

    Raises:
        InputError: as `vdes.reading.store.Store`.
    """
    cases = {case["case"]: case for case in read_plan(folder)["cases"]}
    rows = []
    for task, said in _answered(folder, READING):
        case, answer = cases[task["case"]], said["answer"]
        row: dict[str, Any] = {name: task[name] for name in ("session", "position", "repeat", "case", "modality")}
        row |= {name: answer.get(name, "") for name in _TEXTS}
        row |= {name: answer.get(name) for name in ("malignancy", "confidence", "missing", "distorted", "invented")}
        row |= {name: case[name] for name in ("patient", "laterality")}
        rows.append({**row, "reader": said["reader"], "marks": answer["marks"], "seconds": said["seconds"]})
    return _table(rows, READINGS)


def choices_table(folder: Path) -> pd.DataFrame:
    """Return the forced choices: ``reader``, ``case`` and ``chosen_real`` (1 if the reader chose the real image)."""
    rows = [
        {
            "reader": said["reader"],
            "case": task["case"],
            "chosen_real": chosen_real(task, said["answer"]["chosen"]),
            "seconds": said["seconds"],
        }
        for task, said in _answered(folder, CHOICE)
    ]
    return _table(rows, ("reader", "case", "chosen_real", "seconds"))


def quality_table(folder: Path) -> pd.DataFrame:
    """Return the quality scores: ``reader``, ``case``, ``modality`` (real or virtual), ``quality`` (1 to 5)."""
    rows = [
        {
            "reader": said["reader"],
            "case": task["case"],
            "modality": task["modality"],
            "quality": said["answer"]["quality"],
        }
        for task, said in _answered(folder, QUALITY)
    ]
    return _table(rows, ("reader", "case", "modality", "quality"))


def truth_table(folder: Path) -> pd.DataFrame:
    """Return the truth, one row per case.

    Returns:
        ``case``, ``patient``, ``laterality``, ``malignant`` (0 or 1), ``pathology``, ``lesion_type`` (None for
        lesion-free breasts), ``density`` and ``lesions``: dictionaries with ``view``, ``box`` ([x0, y0, x1, y1]), the
        middle ``x``, ``y``, ``pixels`` and ``mask``, the absolute path of a PNG of the view's size.
    """
    rows = []
    for case in read_plan(folder)["cases"]:
        lesions = [
            {"view": view, **lesion, "mask": str((folder / IMAGES / record["lesion_mask"]).absolute())}
            for view, record in case["views"].items()
            for lesion in record["lesions"]
        ]
        rows.append({**{name: case[name] for name in TRUTH[:-1]}, "lesions": lesions})
    return _table(rows, TRUTH)


def work_table(folder: Path) -> pd.DataFrame:
    """Return all readers' tasks in reading order: `WORK`; ``part`` is reading, choice or quality."""
    rows = [
        {**{name: task[name] for name in WORK if name != "reader"}, "reader": reader["code"]}
        for reader in read_plan(folder)["readers"]
        for task in reader["tasks"]
    ]
    return _table(rows, WORK)


def unfinished(folder: Path) -> dict[str, int]:
    """Return the number of outstanding tasks of each reader who has any."""
    with Store(folder) as store:
        left = {reader: len(tasks) - store.done(reader) for reader, tasks in store.tasks.items()}
    return {reader: count for reader, count in left.items() if count}


def simulated(folder: Path) -> bool:
    """Tell whether the readers are simulated."""
    with Store(folder) as store:
        return store.simulated


def images_table(folder: Path) -> pd.DataFrame:
    """Return where the images are, one row per view; read them with `vdes.reading.frames.read_frame`.

    Returns:
        ``case``, ``view``, ``rows``, ``columns``, ``pixel_size_mm`` (None where unknown), ``chest_wall`` (left or
        right) and the absolute paths ``low_energy``, ``real`` and ``virtual``.
    """
    rows = [
        {
            "case": case["case"],
            "view": view,
            **{name: record[name] for name in ("rows", "columns", "pixel_size_mm", "chest_wall")},
            **{kind: str((folder / IMAGES / record["images"][kind]["file"]).absolute()) for kind in KINDS},
        }
        for case in read_plan(folder)["cases"]
        for view, record in case["views"].items()
    ]
    return _table(rows, ("case", "view", "rows", "columns", "pixel_size_mm", "chest_wall", *KINDS))


def study_key(folder: Path) -> pd.DataFrame:
    """Return which breasts of the study the codes stand for: ``case``, ``patient``, ``study_patient``, ``laterality``.

    Raises:
        InputError: ``key.json`` is missing.
    """
    file = folder / KEY_FILE
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected the key that `vdes reading plan` wrote")
    names = ("case", "patient", "study_patient", "laterality")
    return _table([{"case": case, **record} for case, record in read_json(file).items()], names)


def _answered(folder: Path, part: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the tasks of a part with their answers, by reader and in the order of reading."""
    with Store(folder) as store:
        said = [(store.place(one["task"])[1], one) for one in store.answers()]
        readers = list(store.tasks)
    found = [(task, one) for task, one in said if task["part"] == part]
    return sorted(found, key=lambda one: (readers.index(one[1]["reader"]), one[0]["session"], one[0]["position"]))


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame([[row[name] for name in columns] for row in rows], columns=list(columns))
