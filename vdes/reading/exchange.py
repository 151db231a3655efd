"""Export readings as tables for other programs, and import such tables as readings.

iMRMC (Gallas et al., github.com/DIDSR/iMRMC): free text, a line ``BEGIN DATA:``, then ``reader,case,modality,score``
and the truth of each case as reader ``-1``. MRMCaov (Smith and Hillis, on CRAN): a data frame with the columns
``reader``, ``treatment``, ``case``, ``truth`` and ``rating``.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from vdes.errors import InputError

BEGIN = "BEGIN DATA:"
TRUTH_READERS = ("-1", "truth")
MRMCAOV = ("reader", "treatment", "case", "truth", "rating")
IMRMC = ("readerID", "caseID", "modalityID", "score")


def imrmc_text(readings: pd.DataFrame, truth: pd.DataFrame) -> str:
    """Return first readings as iMRMC's input file.

    Args:
        readings: ``reader``, ``case``, ``modality``, ``malignancy``; one row per reading.
        truth: ``case`` and ``malignant``.
    """
    counts = truth["malignant"].value_counts()
    lines = [
        "Readings exported by vdes: score is the probability of malignancy in per cent",
        f"N0: {counts.get(0, 0)}",
        f"N1: {counts.get(1, 0)}",
        f"NR: {readings['reader'].nunique()}",
        f"NM: {readings['modality'].nunique()}",
        BEGIN,
    ]
    lines += [f"-1,{row.case},0,{row.malignant}" for row in truth.itertuples()]
    lines += [f"{row.reader},{row.case},{row.modality},{row.malignancy}" for row in readings.itertuples()]
    return "\n".join(lines) + "\n"


def mrmcaov_table(readings: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return first readings as MRMCaov's data frame, one row per reading.

    Args:
        readings: as in `imrmc_text`.
        truth: as in `imrmc_text`.
    """
    labels = dict(zip(truth["case"], truth["malignant"], strict=True))
    table = readings[["reader", "modality", "case", "malignancy"]].copy()
    table.insert(3, "truth", table["case"].map(labels))
    return table.set_axis(list(MRMCAOV), axis="columns")


def read_exchange(file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a table of iMRMC or MRMCaov.

    Args:
        file: iMRMC's input file, or the data frame of iMRMC or MRMCaov as csv; the columns tell which.

    Returns:
        Readings (``reader``, ``case``, ``modality``, ``malignancy``, and ``repeat``, which is 0) and truth (``case``,
        ``patient``, which is the case, and ``malignant``).

    Raises:
        InputError: the file cannot be read or has another format, a score is not a number, or a case has no truth or
            two; the message names the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read as text ({error})") from error
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if line.strip() == BEGIN), None)
    if start is not None:
        rows = [(number, fields) for number, fields in _rows(lines, start + 1)]
        return _from_imrmc(file, rows)
    header = tuple(next(csv.reader(io.StringIO(lines[0])), [])) if lines else ()
    named = {name: place for place, name in enumerate(header)}
    body = list(_rows(lines, 1))
    if set(MRMCAOV) <= set(named):
        return _from_mrmcaov(file, _picked(file, body, [named[name] for name in MRMCAOV]))
    if set(IMRMC) <= set(named):
        return _from_imrmc(file, _picked(file, body, [named[name] for name in IMRMC]))
    raise InputError(
        f"{file}: expected a line {BEGIN!r} as in iMRMC, or a csv with the columns {', '.join(MRMCAOV)} or "
        f"{', '.join(IMRMC)}"
    )


Rows = list[tuple[int, list[str]]]


def _rows(lines: list[str], start: int) -> Rows:
    """Return the line number and fields of each line that is not empty."""
    parsed = csv.reader(lines[start:])
    return [
        (start + parsed.line_num, [field.strip() for field in fields])
        for fields in parsed
        if any(map(str.strip, fields))
    ]


def _picked(file: Path, rows: Rows, places: list[int]) -> Rows:
    for number, fields in rows:
        if len(fields) <= max(places):
            raise InputError(f"{file}: line {number}: {len(fields)} fields; expected as many as in the first line")
    return [(number, [fields[place] for place in places]) for number, fields in rows]


def _from_imrmc(file: Path, rows: Rows) -> tuple[pd.DataFrame, pd.DataFrame]:
    truths: dict[str, int] = {}
    readings = []
    for number, fields in rows:
        if len(fields) != len(IMRMC):
            raise InputError(f"{file}: line {number}: {len(fields)} fields; expected {', '.join(IMRMC)}")
        reader, case, modality, score = fields
        if reader in TRUTH_READERS:
            if case in truths:
                raise InputError(f"{file}: line {number}: case {case} has its truth twice")
            truths[case] = _label(file, number, score)
        else:
            readings.append((reader, case, modality, _number(file, number, score), number))
    return _tables(file, readings, truths)


def _from_mrmcaov(file: Path, rows: Rows) -> tuple[pd.DataFrame, pd.DataFrame]:
    truths: dict[str, int] = {}
    readings = []
    for number, (reader, modality, case, truth, score) in rows:
        label = _label(file, number, truth)
        if truths.setdefault(case, label) != label:
            raise InputError(f"{file}: line {number}: case {case}: truth {label}; expected {truths[case]} as before")
        readings.append((reader, case, modality, _number(file, number, score), number))
    return _tables(file, readings, truths)


def _tables(
    file: Path, readings: list[tuple[str, str, str, float, int]], truths: dict[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if not readings:
        raise InputError(f"{file}: holds no reading")
    for _, case, _, _, number in readings:
        if case not in truths:
            raise InputError(f"{file}: line {number}: case {case} has no truth; expected a row of reader -1 for it")
    table = pd.DataFrame([row[:4] for row in readings], columns=["reader", "case", "modality", "malignancy"]).assign(
        repeat=0
    )
    known = pd.DataFrame({"case": list(truths), "patient": list(truths), "malignant": list(truths.values())})
    return table, known


def _number(file: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or value in (float("inf"), float("-inf")):
        raise InputError(f"{file}: line {line}: score {text!r}; expected a finite number")
    return value


def _label(file: Path, line: int, text: str) -> int:
    value = _number(file, line, text)
    if value not in (0, 1):
        raise InputError(f"{file}: line {line}: truth {text!r}; expected 0 or 1")
    return int(value)
