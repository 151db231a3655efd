"""Read the files of a study's folder for a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.json_file import read_json
from vdes.errors import InputError
from vdes.study.arm_predictions import read_predictions

METRICS_FILE, CASES_FILE = "metrics.json", "cases.json"
READERS_FILE = "reader_study.json"  # the result of a reader study of these images, if there is one
NEEDED = ("data", "question", "arms")
QUESTION = ("arm", "reference", "metric", "level", "margin", "confidence", "power")
DATA = ("name", "split", "section", "pixel_size_mm", "phantom", "cases", "patients", "malignant")
PROVENANCE = ("versions", "seeds", "datalist_sha256", "bundles", "n_resamples", "made")
CASE = (
    *("case", "laterality", "view", "pathology", "malignant", "density", "background_enhancement", "lesion_type"),
    *("birads", "findings", "shape", "outline", "pictures", "predictions", "tags"),
)
TABLES = (
    "left_out",
    "failed",
    "classification",
    "verdicts",
    "tests",
    "calibration",
    "fidelity",
    "enhancement",
    "lesions",
    "subgroups",
    "small_subgroups",
    "interactions",
    "synthetic_share",
    "disagreements",
)


@dataclass(frozen=True)
class StudyFiles:
    """The results of a study.

    Attributes:
        folder: folder of the study.
        metrics: ``metrics.json``; missing tables are empty, and other missing parts or fields are None.
        cases: ``cases.json``, one entry per test image, None for missing fields; empty if there is no such file.
        predictions: the test predictions of all levels by arm, for arms that have them.
        readers: `READERS_FILE`, or None.
    """

    folder: Path
    metrics: dict[str, Any]
    cases: list[dict[str, Any]]
    predictions: dict[str, pd.DataFrame]
    readers: dict[str, Any] | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Names for people, by arm, including arms without results and those of the region study."""
        regions = self.metrics["regions"] or {}
        arms = [*(regions.get("arms") or ()), *self.metrics["arms"], *self.metrics["left_out"]]
        return {arm["arm"]: arm["label"] for arm in arms}

    @property
    def generators(self) -> list[str]:
        """Names of the generators, in the order of their arms."""
        return list(dict.fromkeys(arm["generator"] for arm in self.metrics["arms"] if arm["generator"]))

    def picture(self, case: dict[str, Any], kind: str) -> Path:
        """Return the file of a case's picture.

        Raises:
            InputError: it is missing or outside the study's folder.
        """
        name = case["pictures"][kind]
        file = self.folder / name
        if not file.resolve().is_relative_to(self.folder.resolve()) or not file.is_file():
            place = f"{self.folder / CASES_FILE}: case {case['case']}: pictures: {kind}"
            raise InputError(f"{place}: {name}: no such file in the study's folder; run the study again to draw it")
        return file


def read_study(folder: Path) -> StudyFiles:
    """Read a study's folder.

    Args:
        folder: folder of the study.

    Raises:
        InputError: ``metrics.json`` is missing, not a JSON object or lacks ``data``, ``question`` or ``arms``;
            ``cases.json`` is not a list of objects; or a table of predictions cannot be read.

    """
    file = folder / METRICS_FILE
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected the folder of a study that vdes study has made")
    metrics = read_json(file)
    for key in NEEDED:
        if not metrics.get(key):
            raise InputError(f"{file}: {key}: missing or empty; expected the results of vdes study")
    lacking = [field for field in QUESTION if metrics["question"].get(field) is None]
    if lacking:
        raise InputError(f"{file}: question: {lacking[0]}: missing; expected {', '.join(QUESTION)}")
    metrics = {
        **{key: metrics.get(key) or None for key in ("answer", "oracle", "regions")},
        **{key: metrics.get(key) or [] for key in TABLES},
        "question": metrics["question"],
        "arms": metrics["arms"],
        "data": dict.fromkeys(DATA) | metrics["data"],
        "provenance": dict.fromkeys(PROVENANCE) | (metrics.get("provenance") or {}),
    }
    predictions = {}
    for arm in metrics["arms"]:
        table = folder / "arms" / arm["arm"] / "predictions.csv"
        if table.is_file():
            predictions[arm["arm"]] = read_predictions(table)
    readers = read_json(folder / READERS_FILE) if (folder / READERS_FILE).is_file() else None
    return StudyFiles(folder, metrics, _read_cases(folder / CASES_FILE), predictions, readers)


def _read_cases(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    try:
        cases = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file}: not valid JSON ({error})") from error
    if not isinstance(cases, list) or not all(isinstance(case, dict) and "case" in case for case in cases):
        raise InputError(f"{file}: expected a list of objects, each with `case`")
    return [dict.fromkeys(CASE) | case for case in cases]
