"""From the parts of a study to its tables and ``metrics.json``."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.datalist import read_datalist, read_json
from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.data.vocabulary import LEVELS
from vdes.errors import InputError
from vdes.study.arm_predictions import read_predictions
from vdes.study.arms import Arm
from vdes.study.score_images import image_tables
from vdes.study.study import Study
from vdes.study.study_tables import at_level, study_tables
from vdes.study.subgroups import subgroups

METRICS_FILE, CASES_FILE = "metrics.json", "cases.json"


def write_metrics(study: Study, failed: Mapping[str, str], trained_on: Mapping[str, str]) -> Path:
    """Merge the parts of a study and write ``arms/``, ``images/``, ``cases.json`` and ``metrics.json``.

    Args:
        study: the study.
        failed: the steps that failed, with their reasons; arms that lack predictions in a part are left out.
        trained_on: by model, in words.

    Returns:
        The file of the metrics.

    Raises:
        InputError: no arm has predictions, the arms' cases differ, or the test set is of one class.

    """
    arms = [arm for arm in study.arms if all(_predictions(study, part, arm).is_file() for part in study.parts)]
    if not arms:
        reasons = "; ".join(f"{step}: {reason}" for step, reason in failed.items())
        raise InputError(f"{study.output}: no arm has predictions ({reasons or 'run its steps first'})")
    predictions = {
        arm.arm: pd.concat(
            [read_predictions(_predictions(study, part, arm)) for part in study.parts], ignore_index=True
        )
        for arm in arms
    }
    for arm in arms:
        folder = study.output / "arms" / arm.arm
        folder.mkdir(parents=True, exist_ok=True)
        with staged([folder / "predictions.csv", folder / "arm.json"], overwrite=True) as stages:
            predictions[arm.arm].to_csv(stages[folder / "predictions.csv"], index=False)
            stages[folder / "arm.json"].write_text(json.dumps(arm.record(), indent=1) + "\n", encoding="utf-8")
    cases = _merge_images(study)
    for case in cases:
        case["predictions"] = {}
    by_name = {case["case"]: case for case in cases}
    for arm in arms:
        for row in at_level(predictions[arm.arm], "image").to_dict("records"):
            if row["case"] in by_name:
                shown = {key: row[key] for key in ("probability", "threshold", "prediction")}
                by_name[row["case"]]["predictions"][arm.arm] = shown
    tables = study_tables(arms, predictions, study.question)
    for row in tables["disagreements"]:
        tags = by_name.get(row["case"], {}).get("tags", [])
        if "disagreement" not in tags:
            tags.append("disagreement")
    found = image_tables(study.output) if cases else {"fidelity": [], "enhancement": []}
    reference = study.question.reference(study.arms)
    content = {
        "data": _data(study, predictions[arms[0].arm]),
        "question": {**study.question.record(), "reference": reference},
        "arms": [arm.record() for arm in arms],
        "left_out": [{"arm": arm.arm, "label": arm.label} for arm in study.arms if arm not in arms],
        "failed": [{"step": step, "error": reason} for step, reason in failed.items()],
        **tables,
        **found,
        "subgroups": subgroups(cases, arms, predictions, study.question) if cases else [],
        "oracle": _oracle(study),
        "regions": None,
        "provenance": _provenance(study, trained_on),
    }
    metrics, listed = study.output / METRICS_FILE, study.output / CASES_FILE
    with staged([metrics, listed], overwrite=True) as stages:
        stages[metrics].write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        stages[listed].write_text(json.dumps(cases, allow_nan=False) + "\n", encoding="utf-8")
    return metrics


def _predictions(study: Study, part: str, arm: Arm) -> Path:
    return study.part(part) / "arms" / arm.arm / "predictions.csv"


def _merge_images(study: Study) -> list[dict[str, Any]]:
    """Merge what the parts know of the images; none where a part has nothing yet."""
    folders = [study.part(part) / "scored" for part in study.parts]
    if not all((folder / "images" / CASES_FILE).is_file() for folder in folders):
        return []
    target = study.output / "images"
    with staged([target], overwrite=True) as stages:
        stages[target].mkdir()
        for file in sorted((folders[0] / "images").glob("*.csv")):
            merged = pd.concat([pd.read_csv(folder / "images" / file.name) for folder in folders], ignore_index=True)
            merged.to_csv(stages[target] / file.name, index=False)
        if len(folders) == 1:
            for file in (folders[0] / "images").glob("*.npz"):
                shutil.copy(file, stages[target] / file.name)
    cases = []
    for folder in folders:
        for case in json.loads((folder / "images" / CASES_FILE).read_text(encoding="utf-8")):
            place = folder.relative_to(study.output)
            pictures = {kind: (place / file).as_posix() for kind, file in case["pictures"].items()}
            cases.append({**case, "pictures": pictures})
    return cases


def _data(study: Study, predictions: pd.DataFrame) -> dict[str, Any]:
    listed = read_json(study.datalist)
    images = at_level(predictions, "image")
    split = listed.get("split")
    if study.trains:
        split = {"method": "patients, stratified by pathology", "folds": study.folds, "seed": study.seed}
    counts = {level: at_level(predictions, level)["malignant"] for level in LEVELS}
    return {
        "name": listed["name"],
        "split": split,
        "section": "the test sets of all folds" if study.trains else "test",
        "pixel_size_mm": listed.get("pixel_size_mm"),
        "phantom": listed.get("phantom"),
        "cases": len(images),
        "patients": int(images["patient"].nunique()),
        "malignant": {level: [int(labels.sum()), len(labels)] for level, labels in counts.items()},
    }


def _oracle(study: Study) -> list[dict[str, Any]] | None:
    rows = read_json(study.datalist).get("oracle")
    split = "all" if study.trains else "test"
    return None if rows is None else [row for row in rows if row["split"] == split]


def _provenance(study: Study, trained_on: Mapping[str, str]) -> dict[str, Any]:
    models = {**study.generators, "classifier": study.classifier}
    bundles = []
    for name, model in models.items():
        if study.trains:
            role = name if name != "classifier" else "classifier"
            folder = "classifier-real" if name == "classifier" else name
            files = [study.part(part) / "models" / folder / "model.pt" for part in study.parts]
            hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]
            told = "the training patients of each fold, none of them in its test set"
            version = ""
        else:
            opened = model.opened()
            role, hashes, told, version = name, [opened.weights_sha256], trained_on.get(name, ""), opened.version
        bundles.append(
            {
                "name": model.bundle.resolve().name,
                "version": version,
                "role": role,
                "weights_sha256": ", ".join(hashes),
                "trained_on": told,
            }
        )
    return {
        "versions": versions(),
        "seeds": {"study": study.seed, "bootstrap": study.question.seed},
        "datalist_sha256": hashlib.sha256(study.datalist.read_bytes()).hexdigest(),
        "pairs": sum(
            len(items) for items in (read_datalist(study.datalist)[s] for s in ("training", "validation", "test"))
        ),
        "bundles": bundles,
        "n_resamples": study.question.n_resamples,
        "made": date.today().isoformat(),
    }
