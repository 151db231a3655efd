"""A table of what decided for each file of a folder of DICOM studies, and what contradicted it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.dicom_folder.folder import Scan
from vdes.data.dicom_folder.pairs import Pair
from vdes.data.staging import staged
from vdes.dicom.image_facts import ImageFacts
from vdes.errors import InputError

COLUMNS = (
    "file", "outcome", "case", "kind", "decided_by", "contradicted_by", "laterality", "view", "partner", "paired_by",
    "seconds_apart", "pair_contradicted_by", "not_understood",
)  # fmt: skip
SUFFIXES = (".csv", ".json", ".txt")


def write_explanation(
    path: Path,
    folder: Path,
    scan: Scan,
    pairs: Iterable[Pair],
    items: Sequence[Mapping[str, Any]],
    overwrite: bool = False,
) -> None:
    """Write a row for each file: its kind and partner with the evidence for them, or why it was left out.

    The table contains no names or identifiers of patients, but it does contain file names.

    Args:
        path: csv, JSON (a list of rows) or txt (a block of lines for each file).
        folder: the scanned folder; files are named relative to it.
        scan: of the folder.
        pairs: of its images.
        items: of the datalist, for their cases.
        overwrite: replace an existing file.

    Raises:
        InputError: the file has another suffix, or it exists and ``overwrite`` is off.
    """
    check_explanation(path)
    rows = explanation(folder, scan, pairs, items)
    with staged([path], overwrite) as stages:
        if path.suffix == ".txt":
            blocks = ("\n".join(f"{name}: {row[name]}" for name in COLUMNS if row[name]) for row in rows)
            stages[path].write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
        elif path.suffix == ".json":
            pd.DataFrame(rows, columns=list(COLUMNS)).to_json(
                stages[path], orient="records", indent=1, force_ascii=False
            )
        else:
            pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(stages[path], index=False)


def check_explanation(path: Path) -> None:
    """Make sure that a file has one of `SUFFIXES`, which determine the format.

    Raises:
        InputError: it has another.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a file to write the explanation to, ending in {', '.join(SUFFIXES)}")


def explanation(
    folder: Path, scan: Scan, pairs: Iterable[Pair], items: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return the rows of `write_explanation`, ordered by file, with the columns `COLUMNS`; unknown values are empty."""
    cases = {str(item[name]): str(item["case"]) for item in items for name in ("low_energy", "des") if item[name]}
    rows = []
    for pair in pairs:
        for image, partner in ((pair.low_energy, pair.des), (pair.des, pair.low_energy)):
            if image is not None:
                case = cases.get(str(image.path.absolute()), "")
                alone = f"listed without a partner: {pair.evidence}" if case else f"left out: {pair.evidence}"
                rows.append(
                    _row(folder, image.path, image)
                    | {"outcome": "paired" if pair.complete else alone, "case": case}
                    | (_of_pair(folder, pair, partner) if partner is not None else {})
                )
    for file, why in scan.left_out.items():
        rows.append(_row(folder, file, scan.refused.get(file)) | {"outcome": f"left out: {why}"})
    return sorted(rows, key=lambda row: row["file"])


def name_in(folder: Path, file: Path) -> str:
    """Return a file's name relative to a folder in printable form: bytes that are not UTF-8 are escaped."""
    return os.fsencode(file.relative_to(folder).as_posix()).decode("utf-8", "backslashreplace")


def _row(folder: Path, file: Path, facts: ImageFacts | None) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS, "") | {"file": name_in(folder, file)}
    if facts is None:
        return row
    return row | {
        "kind": facts.kind.name,
        "decided_by": facts.kind.evidence,
        "contradicted_by": ", ".join(facts.kind.contradicted),
        "laterality": facts.laterality or "",
        "view": facts.view or "",
        "not_understood": ", ".join(facts.unreadable),
    }


def _of_pair(folder: Path, pair: Pair, partner: ImageFacts) -> dict[str, str]:
    return {
        "partner": name_in(folder, partner.path),
        "paired_by": pair.evidence,
        "seconds_apart": "" if pair.gap is None else pair.gap.words,
        "pair_contradicted_by": ", ".join(pair.contradicted),
    }
