"""Make the plan of a reader study: drawn, balanced, blinded, frozen and hashed before the first reading."""

from __future__ import annotations

import json
import secrets
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from vdes import __version__
from vdes.data.staging import new_folder, staged
from vdes.errors import InputError
from vdes.reading.draw import CLASSES, MALIGNANT, RULE, Breast, breasts, class_counts, draw
from vdes.reading.frames import KINDS, WHITE, digest, encode, levels_of
from vdes.reading.plan import FORMAT, IMAGES, KEY_FILE, PLAN_FILE, blind_name, plan_digest
from vdes.reading.render import Renderer, lesions_of
from vdes.reading.sizing import sizing
from vdes.reading.store import STORE_FILE, answers_in
from vdes.reading.study_cases import StudyCases, read_study_cases
from vdes.reading.worklist import DESIGNS, work_list

MOST_READERS = 99
PRIVATE = 0o600


@dataclass(frozen=True)
class ReadingPlan:
    """What a reader study is asked to be.

    Attributes:
        study: folder of a finished `vdes study`, whose test cases are read.
        output: folder of the reader study; it must be empty or not exist.
        readers: how many; they are called R1, R2, ...
        cases: breasts, one a patient, each in both views.
        design: sequential (low energy, then the DES image beside it; two sessions), crossover (three sessions that mix
            low energy alone, with real and with virtual DES) or independent (three sessions of one of these each).
        generator: whose virtual DES images are read; that of the study's question by default.
        malignant_share: of the cases.
        benign_share: of the cases; the rest have no lesion.
        repeat_share: of the cases that each reader reads once more, for the agreement within readers.
        choices: cases of the forced choice between real and virtual DES.
        quality: cases whose real and virtual DES are judged for quality.
        washout_days: from the last answer of a session to the first of the next.
        margin: largest loss of AUC from real to virtual DES that is acceptable; fixed here.
        confidence: of the two-sided intervals.
        power: that is wanted; the plan records what this size has.
        auc: that both are expected to have, for the power.
        fixed_readers: the answer is about these readers alone, not about readers in general.
        seed: of draws and orders.
    """

    study: Path
    output: Path
    readers: int = 4
    cases: int = 80
    design: str = "sequential"
    generator: str | None = None
    malignant_share: float = 0.4
    benign_share: float = 0.2
    repeat_share: float = 0.1
    choices: int = 20
    quality: int = 20
    washout_days: float = 28.0
    margin: float = 0.05
    confidence: float = 0.95
    power: float = 0.8
    auc: float = 0.85
    fixed_readers: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one is out of its range; the message names it.
        """
        fewest = 1 if self.fixed_readers else 2
        if not fewest <= self.readers <= MOST_READERS:
            raise InputError(
                f"readers: {self.readers}; expected {fewest} to {MOST_READERS}"
                + ("" if self.fixed_readers else " (1 only with fixed readers)")
            )
        if self.cases < 4:
            raise InputError(f"cases: {self.cases}; expected 4 or more")
        if self.design not in DESIGNS:
            raise InputError(f"design: {self.design!r}; expected one of {', '.join(DESIGNS)}")
        for name in ("malignant_share", "benign_share", "repeat_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: {getattr(self, name)}; expected 0 to 1")
        if self.malignant_share + self.benign_share > 1:
            raise InputError(
                f"malignant_share, benign_share: {self.malignant_share:g} + {self.benign_share:g}; expected at most 1"
            )
        counts = class_counts(self.cases, self.malignant_share, self.benign_share)
        if not 2 <= counts[MALIGNANT] <= self.cases - 2:
            raise InputError(
                f"malignant_share: {self.malignant_share:g} of {self.cases} cases; expected two malignant and two "
                "other cases at least"
            )
        for name in ("choices", "quality", "washout_days", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}: {getattr(self, name)}; expected 0 or more")
        if not 0.5 < self.auc < 1:
            raise InputError(f"auc: {self.auc}; expected a number between .5 and 1")
        for name in ("margin", "confidence", "power"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)}; expected a number between 0 and 1")


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
    counts = class_counts(settings.cases, settings.malignant_share, settings.benign_share)
    candidates = breasts(study.items)
    drawn = draw(candidates, counts, settings.seed)
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
    counts = class_counts(settings.cases, settings.malignant_share, settings.benign_share)
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
            settings.design,  # type: ignore[arg-type]  # checked by ReadingPlan
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
