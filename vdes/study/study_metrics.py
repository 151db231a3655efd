"""The figures of a study, ``metrics.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from vdes.data.staging import staged
from vdes.data.training_record import UNKNOWN, Origin, origin
from vdes.data.versions import versions
from vdes.data.vocabulary import LEVELS
from vdes.engines.device_name import device_name
from vdes.errors import InputError
from vdes.study.arms import Arm, study_arms
from vdes.study.merge_parts import CASES_FILE, merge_cases, merge_predictions, merge_regions
from vdes.study.models import Model
from vdes.study.regions import COUNTS_FILE, region_arms, region_tables
from vdes.study.regions import LEVEL as REGION
from vdes.study.score_images import image_tables
from vdes.study.study import PRECISION, Study
from vdes.study.study_tables import answer, at_level, study_tables
from vdes.study.subgroups import subgroups

METRICS_FILE = "metrics.json"
OF_PREDICTIONS = ("classification", "verdicts", "tests", "calibration", "synthetic_share", "disagreements")


def write_metrics(study: Study, failed: Mapping[str, str], trained_on: Mapping[str, Origin]) -> Path:
    """Merge the parts of a study and write ``arms/``, ``images/``, ``regions/``, ``cases.json`` and ``metrics.json``.

    Args:
        study: the study.
        failed: the steps that failed, with their reasons; arms that lack predictions in a part are left out.
        trained_on: by model, what is known about the origin of its weights.

    Returns:
        The file of the metrics.

    Raises:
        InputError: no arm has predictions, or the arms' cases differ.

    """
    predictions = merge_predictions(study)
    regions = merge_regions(study)
    if not predictions and regions is None:
        reasons = "; ".join(f"{step}: {reason}" for step, reason in failed.items())
        raise InputError(f"{study.output}: no arm has predictions ({reasons or 'run its steps first'})")
    cases = merge_cases(study, predictions)
    arms = list(predictions)
    by_arm = {arm.arm: table for arm, table in predictions.items()}
    if regions is None:
        tables = {**study_tables(arms, by_arm, study.question), "regions": None}
        asked, level = study.arms, study.question.level
    else:
        tables, level = _region_tables(study, regions), REGION
        asked = arms = region_arms(list(study.generators))
    _tag_disagreements(cases, tables["disagreements"])
    shown = {arm.arm for arm in arms}
    content = {
        "data": _data(study, cases, by_arm, regions),
        "question": {**study.question.record(), "level": level, "reference": study.question.reference(asked)},
        "arms": [arm.record() for arm in arms],
        "left_out": [arm.record() for arm in _all_arms(study) if arm.arm not in shown],
        "failed": [{"step": step, "error": reason} for step, reason in failed.items()],
        **tables,
        **(image_tables(study.output) if cases else {"fidelity": [], "enhancement": [], "lesions": []}),
        **(
            subgroups(cases, arms, by_arm, study.question, study.columns)
            if cases and by_arm
            else {"subgroups": [], "small_subgroups": [], "interactions": []}
        ),
        "oracle": _oracle(study),
        "provenance": _provenance(study, trained_on),
    }
    metrics, listed = study.output / METRICS_FILE, study.output / CASES_FILE
    with staged([metrics, listed], overwrite=True) as stages:
        stages[metrics].write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        stages[listed].write_text(json.dumps(cases, allow_nan=False) + "\n", encoding="utf-8")
    return metrics


def _all_arms(study: Study) -> Sequence[Arm]:
    """Return the arms that a classifier trained on all inputs would have."""
    return [] if study.lesions_alone else study_arms(list(study.generators), study.trains or study.retrain)


def _region_tables(study: Study, regions: Path) -> dict[str, Any]:
    """Return the tables of a study of regions, under the names of those of images, which are empty."""
    arms = region_arms(list(study.generators))
    tables = region_tables(regions, list(study.generators), study.question)
    classification = pd.DataFrame(tables["classification"]).assign(level=REGION)
    verdicts = [{**row, "level": REGION} for row in tables["verdicts"]]
    found = answer(classification, verdicts, arms, study.question, REGION)
    counts = json.loads((regions / COUNTS_FILE).read_text(encoding="utf-8"))
    stated = {**tables, "arms": [arm.record() for arm in arms], "counts": counts}
    return {**{name: [] for name in OF_PREDICTIONS}, "answer": found, "regions": stated}


def _tag_disagreements(cases: Sequence[dict[str, Any]], disagreements: Sequence[Mapping[str, Any]]) -> None:
    named = {row["case"] for row in disagreements}
    for case in cases:
        if case["case"] in named:
            case["tags"].append("disagreement")


def _data(
    study: Study, cases: Sequence[Mapping[str, Any]], predictions: Mapping[str, pd.DataFrame], regions: Path | None
) -> dict[str, Any]:
    """Return the description of the test cases."""
    listed = study.datalist.fields
    split = listed.get("split")
    if study.trains:
        split = {"method": "patients, stratified by pathology", "folds": study.folds, "seed": study.seed}
    if regions is None:
        table = next(iter(predictions.values()))
        images = at_level(table, "image")
        counts = {level: at_level(table, level)["malignant"] for level in LEVELS}
        judged = {"cases": len(images), "patients": int(images["patient"].nunique())}
    else:
        table = pd.read_csv(next(iter(sorted(regions.glob("*.csv")))))
        counts = {REGION: table["malignant"]}
        judged = {"cases": len(cases), "patients": int(table["patient"].nunique())}
    return {
        "name": listed["name"],
        "split": split,
        "section": "the test sets of all folds" if study.trains else "test",
        "pixel_size_mm": listed.get("pixel_size_mm"),
        "phantom": listed.get("phantom"),
        **judged,
        "malignant": {level: [int(labels.sum()), len(labels)] for level, labels in counts.items()},
    }


def _oracle(study: Study) -> list[dict[str, Any]] | None:
    rows = study.datalist.fields.get("oracle")
    split = "all" if study.trains else "test"
    return None if rows is None else [row for row in rows if row["split"] == split]


def _provenance(study: Study, trained_on: Mapping[str, Origin]) -> dict[str, Any]:
    used = dict(study.generators) if study.lesions_alone else {**study.generators, "classifier": study.classifier}
    bundles = [
        {"name": model.bundle.resolve().name, "role": role, **_weights(study, role, model, trained_on)}
        for role, model in used.items()
    ]
    return {
        "versions": versions(),
        "computed": {"precision": PRECISION, "device": device_name(), "threads": torch.get_num_threads()},
        "seeds": {"study": study.seed, "bootstrap": study.question.seed},
        "datalist_sha256": study.datalist.sha256,
        "bundles": bundles,
        "n_resamples": study.question.n_resamples,
        "made": date.today().isoformat(),
    }


def _weights(study: Study, role: str, model: Model, trained_on: Mapping[str, Origin]) -> dict[str, Any]:
    """Return the version and hash of a model's weights, and what they were trained on."""
    if not study.trains:
        opened = model.given
        found = trained_on.get(role, Origin("", True))
        stated = {"trained_on": found.told, "origin_known": found.known}
        return {"version": opened.version, "weights_sha256": opened.weights_sha256, **stated}
    folder = "classifier-real" if role == "classifier" else role
    files = [study.part(part) / "models" / folder / "model.pt" for part in study.parts]
    files = [file for file in files if file.is_file()]
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    told = "the training patients of each fold, none of them in its test set"
    unknown = [entry for file in files for entry in origin("", file) if UNKNOWN in entry]
    if unknown:
        told += f"; the origin of {unknown[0]['role'] or 'the weights'} is unknown ({unknown[0][UNKNOWN]})"
    return {"version": "", "weights_sha256": ", ".join(hashes), "trained_on": told, "origin_known": not unknown}
