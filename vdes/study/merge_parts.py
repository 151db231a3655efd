"""Merge the parts of a study: their predictions, their cases and their regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.staging import staged
from vdes.study.arm_predictions import read_predictions
from vdes.study.arms import Arm
from vdes.study.disagreement import merge_sums
from vdes.study.regions import COUNTS_FILE, region_arms
from vdes.study.study import REGIONS, SCORED, Study
from vdes.study.study_tables import at_level

CASES_FILE = "cases.json"


def merge_predictions(study: Study) -> dict[Arm, pd.DataFrame]:
    """Write ``arms/<arm>``, its predictions and its description, and return the predictions.

    Arms that lack predictions in a part are left out.
    """
    predictions = {}
    for arm in study.arms:
        files = [study.part(part) / "arms" / arm.arm / "predictions.csv" for part in study.parts]
        if not all(file.is_file() for file in files):
            continue
        predictions[arm] = pd.concat([read_predictions(file) for file in files], ignore_index=True)
        folder = study.output / "arms" / arm.arm
        folder.mkdir(parents=True, exist_ok=True)
        with staged([folder / "predictions.csv", folder / "arm.json"], overwrite=True) as stages:
            predictions[arm].to_csv(stages[folder / "predictions.csv"], index=False)
            stages[folder / "arm.json"].write_text(json.dumps(arm.record(), indent=1) + "\n", encoding="utf-8")
    return predictions


def merge_cases(study: Study, predictions: dict[Arm, pd.DataFrame]) -> list[dict[str, Any]]:
    """Write ``images/``, and return the cases with the predictions of all arms at image level.

    Returns:
        Nothing if a part has no scored images.
    """
    folders = [study.part(part) / SCORED for part in study.parts]
    if not all((folder / "images" / CASES_FILE).is_file() for folder in folders):
        return []
    target = study.output / "images"
    with staged([target], overwrite=True) as stages:
        stages[target].mkdir()
        for file in sorted((folders[0] / "images").glob("*.csv")):
            merged = pd.concat([pd.read_csv(folder / "images" / file.name) for folder in folders], ignore_index=True)
            merged.to_csv(stages[target] / file.name, index=False)
        for file in sorted((folders[0] / "images").glob("*.npz")):
            merge_sums([folder / "images" / file.name for folder in folders], stages[target] / file.name)
    cases = []
    for folder in folders:
        place = folder.relative_to(study.output)
        for case in json.loads((folder / "images" / CASES_FILE).read_text(encoding="utf-8")):
            pictures = {kind: (place / file).as_posix() for kind, file in case["pictures"].items()}
            cases.append({**case, "pictures": pictures, "predictions": {}})
    by_name = {case["case"]: case for case in cases}
    for arm, table in predictions.items():
        for row in at_level(table, "image").to_dict("records"):
            if row["case"] in by_name:
                shown = {key: row[key] for key in ("probability", "threshold", "prediction")}
                by_name[row["case"]]["predictions"][arm.arm] = shown
    return cases


def merge_regions(study: Study) -> Path | None:
    """Write ``regions/``, the predictions of regions by arm, and return the folder; None if a part has none."""
    folders = [study.part(part) / REGIONS for part in study.parts]
    if not study.lesions_alone or not all(folder.is_dir() for folder in folders):
        return None
    target = study.output / REGIONS
    with staged([target], overwrite=True) as stages:
        stages[target].mkdir()
        for arm in region_arms(list(study.generators)):
            tables = [pd.read_csv(folder / f"{arm.arm}.csv", dtype={"case": str, "patient": str}) for folder in folders]
            pd.concat(tables, ignore_index=True).to_csv(stages[target] / f"{arm.arm}.csv", index=False)
        counts = [json.loads((folder / COUNTS_FILE).read_text(encoding="utf-8")) for folder in folders]
        named = dict(zip(study.parts, counts, strict=True))
        (stages[target] / COUNTS_FILE).write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")
    return target
