"""Make the plan of a reader study: drawn, balanced, blinded, frozen and hashed before the first reading."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from vdes import __version__
from vdes.data.staging import new_folder, staged
from vdes.errors import InputError
from vdes.reading.case_images import write_images
from vdes.reading.draw import CLASSES, MALIGNANT, RULE, Breast, breasts, draw
from vdes.reading.plan import FORMAT, IMAGES, KEY_FILE, PLAN_FILE, blind_name, plan_digest
from vdes.reading.settings import ReadingPlan
from vdes.reading.sizing import sizing, sizing_words
from vdes.reading.store import STORE_FILE, answers_in
from vdes.reading.study_cases import StudyCases, read_study_cases
from vdes.reading.worklist import work_list

PRIVATE = 0o600


def write_plan(settings: ReadingPlan, overwrite: bool = False, progress: bool = True) -> dict[str, Any]:
    """Draw the cases, make the readers' images and work lists, and freeze the plan.

    Writes ``plan.json``, ``key.json`` (which patients of the study the codes stand for) and ``images/``. The two files
    hold the key of the blinding; only their owner can read them.

    Args:
        settings: of the reader study.
        overwrite: replace an existing plan that has no answers yet.
        progress: show a progress bar.

    Returns:
        The plan.

    Raises:
        InputError: the study cannot be used or has too few cases, images do not match each other, or the folder holds
            something else or a plan with answers.
    """
    _check_output(settings.output, overwrite)
    study = read_study_cases(settings.study, settings.generator)
    candidates = breasts(study.items)
    drawn = draw(candidates, settings.counts, settings.seed)
    folder = settings.output
    targets = [folder / name for name in (IMAGES, KEY_FILE, PLAN_FILE)]
    with new_folder(folder), staged(targets, overwrite) as stages:
        cases = write_images(drawn, study, stages[folder / IMAGES], progress)
        key = {
            record["case"]: {
                "patient": record["patient"],
                "study_patient": breast.patient,
                "laterality": breast.laterality,
                "views": {view: item["case"] for view, item in breast.items.items()},
            }
            for record, breast in zip(cases, drawn, strict=True)
        }
        _write_private(stages[folder / KEY_FILE], json.dumps(key, indent=1, ensure_ascii=False) + "\n")
        plan = _plan(settings, study, candidates, cases)
        _write_private(stages[folder / PLAN_FILE], json.dumps(plan, indent=1, ensure_ascii=False) + "\n")
        # only now, so that a failed run leaves the old study intact
        for name in (STORE_FILE, f"{STORE_FILE}-wal", f"{STORE_FILE}-shm"):
            (folder / name).unlink(missing_ok=True)
    return plan


def plan_words(plan: dict[str, Any], settings: ReadingPlan) -> str:
    """Return a summary of the plan, and the next commands."""
    counts = ", ".join(f"{count} {name}" for name, count in plan["draw"]["counts"].items())
    tasks = [len(reader["tasks"]) for reader in plan["readers"]]
    sessions = plan["readers"][0]["tasks"][-1]["session"]
    left_out = plan["draw"]["left_out"]
    lines = [
        f"wrote {settings.output / PLAN_FILE}, sha256 {plan['sha256']}",
        f"{settings.cases} cases ({counts}) from {sum(plan['draw']['candidates'].values())} breasts"
        + (f"; {left_out} without both views, or of unknown pathology, were left out" if left_out else ""),
        f"{settings.readers} readers, {plan['design']}: {sessions} sessions, {max(tasks)} answers each",
        sizing_words(plan["sizing"], settings.readers, settings.cases),
        f"next: vdes reading links {settings.output} && vdes reading serve {settings.output}",
    ]
    return "\n".join(lines)


def _check_output(folder: Path, overwrite: bool) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / PLAN_FILE).is_file():
            raise InputError(f"{folder}: holds other files; expected a folder that is empty or does not exist")
        answers = answers_in(folder)
        if answers:
            raise InputError(
                f"{folder}: holds {answers} answers of readers to another plan, which is frozen; use another folder"
            )
        if not overwrite:
            raise InputError(f"{folder / PLAN_FILE}: exists already; pass --overwrite to replace it")
    elif folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; expected a folder")


def _plan(
    settings: ReadingPlan, study: StudyCases, candidates: list[Breast], cases: list[dict[str, Any]]
) -> dict[str, Any]:
    counts = settings.counts
    members = {name: [case["case"] for case in cases if case["class"] == name] for name in CLASSES}
    plan: dict[str, Any] = {
        "format": FORMAT,
        "vdes": __version__,
        "frozen": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "name": study.name,
        "phantom": study.phantom,
        "study": str(study.folder.resolve()),
        "datalists": [str(path.resolve()) for path in study.datalists],
        "generator": study.generator,
        "design": settings.design,
        "seed": settings.seed,
        "washout_days": settings.washout_days,
        "draw": {
            "rule": RULE,
            "counts": counts,
            "candidates": {name: sum(one.drawn_as == name for one in candidates) for name in CLASSES},
            # breasts with only one view, or of unknown side, view or pathology
            "left_out": len({(item["patient"], item["laterality"]) for item in study.items}) - len(candidates),
        },
        "question": {
            "metric": "auc",
            "arm": "virtual",
            "reference": "real",
            "margin": settings.margin,
            "confidence": settings.confidence,
            "power": settings.power,
            "readers": "fixed" if settings.fixed_readers else "random",
        },
        "sizing": sizing(
            settings.auc,
            settings.readers,
            counts[MALIGNANT],
            settings.cases - counts[MALIGNANT],
            settings.margin,
            settings.confidence,
            settings.power,
            settings.fixed_readers,
        ),
        "cases": cases,
        "readers": [],
        "key": secrets.token_hex(16),
    }
    for number in range(settings.readers):
        tasks = work_list(
            number,
            members,
            settings.design,
            round(settings.repeat_share * settings.cases),
            settings.choices,
            settings.quality,
            settings.seed,
        )
        code = f"R{number + 1}"
        for task in tasks:
            task["task"] = blind_name(plan, "task", code, task["session"], task["position"])
        plan["readers"].append({"code": code, "tasks": tasks})
    return plan | {"sha256": plan_digest(plan)}


def _write_private(path: Path, text: str) -> None:
    path.touch(PRIVATE)
    path.chmod(PRIVATE)
    path.write_text(text, encoding="utf-8")
