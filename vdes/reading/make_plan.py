"""Make the plan of a reader study: drawn, balanced, blinded, frozen and hashed before the first reading."""

from __future__ import annotations

import json
import secrets
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from vdes import __version__
from vdes.data.staging import new_folder, staged
from vdes.errors import InputError
from vdes.reading.draw import CLASSES, MALIGNANT, RULE, Breast, breasts, draw
from vdes.reading.frames import KINDS, WHITE, digest, encode, levels_of
from vdes.reading.plan import FORMAT, IMAGES, KEY_FILE, PLAN_FILE, blind_name, plan_digest
from vdes.reading.render import Renderer, lesions_of
from vdes.reading.settings import ReadingPlan
from vdes.reading.sizing import sizing, sizing_words
from vdes.reading.store import STORE_FILE, answers_in
from vdes.reading.study_cases import StudyCases, read_study_cases
from vdes.reading.worklist import work_list

PRIVATE = 0o600


def write_plan(settings: ReadingPlan, overwrite: bool = False, progress: bool = True) -> dict[str, Any]:
    """Draw the cases, make the readers' images and work lists, and freeze them.

    Writes ``plan.json``, ``key.json`` (which patients of the study the codes stand for) and ``images/``. The two files
    hold the key of the blinding; only their owner can read them.

    Args:
        settings: what is asked.
        overwrite: replace a plan by which nothing was read yet.
        progress: show a bar.

    Returns:
        The plan.

    Raises:
        InputError: the study cannot be used or has too few cases, images do not fit each other, or the folder holds
            something else, or a plan by which readings were made.
    """
    _check_output(settings.output, overwrite)
    study = read_study_cases(settings.study, settings.generator)
    candidates = breasts(study.items)
    drawn = draw(candidates, settings.counts, settings.seed)
    folder = settings.output
    targets = [folder / name for name in (IMAGES, KEY_FILE, PLAN_FILE)]
    with new_folder(folder), staged(targets, overwrite) as stages:
        cases = _render(drawn, study, stages[folder / IMAGES], progress)
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
        # only now: a run that fails leaves the old study as it was
        for name in (STORE_FILE, f"{STORE_FILE}-wal", f"{STORE_FILE}-shm"):
            (folder / name).unlink(missing_ok=True)
    return plan


def plan_words(plan: dict[str, Any], settings: ReadingPlan) -> str:
    """Return what was planned, in lines, and what comes next."""
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
            # breasts with one view alone, or of unknown side, view or pathology
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


def _render(drawn: list[Breast], study: StudyCases, folder: Path, progress: bool) -> list[dict[str, Any]]:
    """Write the images of all cases, and return the cases for the plan."""
    folder.mkdir()
    render = Renderer(study.ranges, study.aligned)
    names = sorted(secrets.token_hex(16) for _ in range(len(drawn) * 2 * (len(KINDS) + 1)))
    # an order of names that follows neither case nor kind
    order = iter(np.random.default_rng(secrets.randbits(128)).permutation(len(names)))
    levels = float(WHITE)
    cases: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix=".rendered.", dir=folder.parent) as rendered:
        bar = tqdm(total=2 * len(drawn), desc="images", unit="view", disable=not progress)
        for number, breast in enumerate(drawn, 1):
            case = _case(number, breast)
            for view, item in breast.items.items():
                shown = render(item)
                # read twice: the quantisation of all must be known before the first is written
                np.savez(Path(rendered) / f"{case['case']}_{view}.npz", **shown.images)  # type: ignore[arg-type]
                levels = min(levels, *(levels_of(shown.images[kind]) for kind in ("real", "virtual")))
                rows, columns = shown.lesion_mask.shape
                mask = None
                if shown.lesion_mask.any():
                    mask = f"{names[next(order)]}.png"
                    Image.fromarray(shown.lesion_mask.astype(np.uint8) * 255).save(folder / mask)
                case["views"][view] = {
                    "rows": int(rows),
                    "columns": int(columns),
                    "pixel_size_mm": shown.pixel_size_mm,
                    "chest_wall": shown.chest_wall,
                    "lesion_mask": mask,
                    "lesions": lesions_of(shown.lesion_mask),
                }
                bar.update()
            cases.append(case)
        bar.close()
        random = np.random.default_rng(secrets.randbits(128))
        for case in cases:
            for view, record in case["views"].items():
                images = np.load(Path(rendered) / f"{case['case']}_{view}.npz")
                record["images"] = {}
                for kind in KINDS:
                    data = encode(images[kind], WHITE if kind == "low_energy" else levels, random)
                    name = names[next(order)]
                    (folder / name).write_bytes(data)
                    record["images"][kind] = {"file": name, "sha256": digest(data)}
    return cases


def _case(number: int, breast: Breast) -> dict[str, Any]:
    first = next(iter(breast.items.values()))
    types = [item.get("lesion_type") for item in breast.items.values() if item.get("lesion_type")]
    return {
        "case": f"C{number:03d}",
        "patient": f"P{number:03d}",
        "laterality": breast.laterality,
        "pathology": breast.pathology,
        "malignant": int(breast.pathology == "malignant"),
        "class": breast.drawn_as,
        "lesion_type": types[0] if types and breast.drawn_as != CLASSES[-1] else None,
        "density": first["density"],
        "views": {},
    }


def _write_private(path: Path, text: str) -> None:
    path.touch(PRIVATE)
    path.chmod(PRIVATE)
    path.write_text(text, encoding="utf-8")
