"""Draw the breasts to read, by a stated rule, from those with real and virtual DES images in a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vdes.data.vocabulary import PATHOLOGIES, VIEWS
from vdes.errors import InputError

MALIGNANT, BENIGN, LESION_FREE = "malignant", "benign", "lesion-free"
CLASSES = (MALIGNANT, BENIGN, LESION_FREE)
RULE = (
    "One breast a patient, with both views. Malignant breasts are drawn first, then benign, then lesion-free ones, "
    "each class at random from the patients that are not drawn yet."
)


@dataclass(frozen=True)
class Breast:
    """A breast that could be read.

    Attributes:
        patient: of the study's datalist.
        laterality: L or R.
        pathology: the worst of its views.
        items: by view, the datalist's item with absolute paths; ``virtual`` is the virtual DES image.
    """

    patient: str
    laterality: str
    pathology: str
    items: dict[str, dict[str, Any]]

    @property
    def drawn_as(self) -> str:
        """Class for the draw: malignant, benign or lesion-free."""
        return LESION_FREE if self.pathology == PATHOLOGIES[0] else self.pathology


def breasts(items: Sequence[dict[str, Any]]) -> list[Breast]:
    """Return the breasts with both views and a known pathology, ordered by patient and side.

    Args:
        items: of the study, with ``virtual``.
    """
    grouped: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for item in items:
        if item["laterality"] is not None and item["view"] is not None and item["pathology"] is not None:
            grouped.setdefault((item["patient"], item["laterality"]), {}).setdefault(item["view"], item)
    found = []
    for (patient, laterality), views in sorted(grouped.items()):
        if set(views) == set(VIEWS):
            worst = max((item["pathology"] for item in views.values()), key=PATHOLOGIES.index)
            found.append(Breast(patient, laterality, worst, {view: views[view] for view in VIEWS}))
    return found


def class_counts(cases: int, malignant_share: float, benign_share: float) -> dict[str, int]:
    """Return how many cases of each class make up ``cases``; those neither malignant nor benign are lesion-free."""
    malignant = round(cases * malignant_share)
    benign = min(cases - malignant, round(cases * benign_share))
    return {MALIGNANT: malignant, BENIGN: benign, LESION_FREE: cases - malignant - benign}


def draw(candidates: Sequence[Breast], counts: dict[str, int], seed: int) -> list[Breast]:
    """Draw cases by `RULE` and return them in random order.

    Raises:
        InputError: a class has too few patients; the message gives the number in each.
    """
    random = np.random.default_rng(seed)
    used: set[str] = set()
    drawn: list[Breast] = []
    for name in CLASSES:
        by_patient: dict[str, list[Breast]] = {}
        for breast in candidates:
            if breast.drawn_as == name and breast.patient not in used:
                by_patient.setdefault(breast.patient, []).append(breast)
        patients = sorted(by_patient)
        if len(patients) < counts[name]:
            held = Counter({one: len({b.patient for b in candidates if b.drawn_as == one}) for one in CLASSES})
            raise InputError(
                f"cases: {counts[name]} {name} cases requested, but only {len(patients)} patients with such a breast "
                f"are left; the study has patients with {', '.join(f'{held[one]} {one}' for one in CLASSES)} breasts "
                "in both views. Use fewer cases or other shares"
            )
        for number in sorted(random.choice(len(patients), counts[name], replace=False)):
            sides = by_patient[patients[number]]
            drawn.append(sides[int(random.integers(len(sides)))])
            used.add(patients[number])
    return [drawn[number] for number in random.permutation(len(drawn))]
