"""The cases that the page shows, with their pictures and the predictions of each arm."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from vdes.errors import InputError
from vdes.report.study_files import StudyFiles
from vdes.report.study_words import words
from vdes.study.case_pictures import DIFFERENCE, VIRTUAL

MAX_CASES = 60
MAX_BYTES = 24_000_000  # of all pictures in the page
MAX_SIDE = 768  # pixels; larger pictures are reduced for the page
QUALITY = 88
DISAGREEMENT = "disagreement"
FACTS = ("pathology", "view", "laterality", "density", "background_enhancement", "lesion_type", "birads", "findings")
LATERALITY = {"L": "left", "R": "right"}


@dataclass(frozen=True)
class CaseCard:
    """A case of the page.

    Attributes:
        number: number of the case in ``cases.json``, which identifies its card.
        case: its entry there.
        facts: known facts about it, by name.
        arms: one row per arm: ``arm``, ``label``, ``probability``, ``threshold``, ``prediction`` and whether it is
            ``wrong`` (None if the truth is unknown).
        pictures: data URIs by kind of picture.
    """

    number: int
    case: Mapping[str, Any]
    facts: Mapping[str, str]
    arms: Sequence[Mapping[str, Any]]
    pictures: Mapping[str, str]

    @property
    def wrong(self) -> list[str]:
        """Ids of the arms that are wrong."""
        return [arm["arm"] for arm in self.arms if arm["wrong"]]

    @property
    def drawing(self) -> dict[str, Any]:
        """Data for the script that draws the case."""
        shape = self.case.get("shape") or [1, 1]
        return {"shape": shape, "outline": self.case.get("outline") or [], "pictures": dict(self.pictures)}


def picture_kinds(generators: Sequence[str]) -> dict[str, str]:
    """Return the readers' names of the kinds of pictures that can be compared."""
    virtual = {f"{VIRTUAL}{name}": f"virtual DES by {name}" for name in generators}
    return {"low_energy": "low energy", "des": "real DES", **virtual}


def difference_kinds(generators: Sequence[str]) -> dict[str, str]:
    """Return the kind of difference map for each kind of virtual image."""
    return {f"{VIRTUAL}{name}": f"{DIFFERENCE}{name}" for name in generators}


def case_cards(study: StudyFiles, max_cases: int = MAX_CASES, max_bytes: int = MAX_BYTES) -> list[CaseCard]:
    """Return the cards of the cases that fit on a page, in the order of ``cases.json``.

    Cases on which arms disagree are chosen first, those with the most disagreements before others. Then the pathologies
    take turns, each starting with its tagged cases, such as a missed enhancement.

    Args:
        study: the study's files.
        max_cases: largest number of cards.
        max_bytes: largest total size of all data URIs.

    Raises:
        InputError: a picture is missing, is outside the study's folder or cannot be read as a picture.

    """
    kinds = [*picture_kinds(study.generators), *difference_kinds(study.generators).values()]
    cards: list[CaseCard] = []
    size = 0
    for number in _ranked(study)[:max_cases]:
        case = study.cases[number]
        drawn = case.get("pictures") or {}
        pictures = {kind: picture_uri(study.picture(case, kind)) for kind in kinds if kind in drawn}
        size += sum(map(len, pictures.values()))
        if size > max_bytes:
            break
        cards.append(CaseCard(number, case, _facts(case), _arms(case, study.labels), pictures))
    return sorted(cards, key=lambda card: card.number)


def picture_uri(file: Path) -> str:
    """Return a picture as a data URI: JPEG, grey or colour, at most `MAX_SIDE` pixels per side.

    Raises:
        InputError: the file cannot be read as a picture.
    """
    try:
        with Image.open(file) as opened:
            picture = opened.convert("L" if opened.mode in ("L", "1") else "RGB")
    except OSError as error:
        raise InputError(f"{file}: cannot be read as a picture ({error})") from error
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY, optimize=True, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _ranked(study: StudyFiles) -> list[int]:
    """Return the numbers of all cases, in order of priority."""
    times = Counter(row["case"] for row in study.metrics["disagreements"])
    tagged = [set(case.get("tags") or ()) for case in study.cases]
    disagreed = [
        number for number, case in enumerate(study.cases) if times[case["case"]] or DISAGREEMENT in tagged[number]
    ]
    disagreed.sort(key=lambda number: -times[study.cases[number]["case"]])
    taken = set(disagreed)
    queues: dict[Any, list[int]] = {}
    for number in sorted(range(len(study.cases)), key=lambda number: not tagged[number]):
        if number not in taken:
            queues.setdefault(study.cases[number].get("pathology"), []).append(number)
    return [*disagreed, *_in_turn(list(queues.values()))]


def _in_turn(queues: Sequence[Sequence[int]]) -> Iterator[int]:
    for place in range(max(map(len, queues), default=0)):
        for queue in queues:
            if place < len(queue):
                yield queue[place]


def _facts(case: Mapping[str, Any]) -> dict[str, str]:
    known = {name: case[name] for name in FACTS if case.get(name) not in (None, "", [])}
    if "laterality" in known:
        known["laterality"] = LATERALITY.get(known["laterality"], known["laterality"])
    facts = {
        "BI-RADS" if name == "birads" else words(name): ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value)
        for name, value in known.items()
    }
    if case.get("tags"):
        facts["marked as"] = ", ".join(case["tags"])
    return facts


def _arms(case: Mapping[str, Any], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    truth = case.get("malignant")
    rows = []
    for arm, said in (case.get("predictions") or {}).items():
        wrong = None if truth is None else int(said["prediction"]) != int(truth)
        rows.append({"arm": arm, "label": labels.get(arm, arm), **said, "wrong": wrong})
    return rows
