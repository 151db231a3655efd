"""The answers of a simulated reader, in the terms of the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from vdes.phantom.latents import BACKGROUND, ENHANCES_FROM, RIM_FROM
from vdes.reading.form import LEFT, RIGHT
from vdes.reading.ideal_reader import Sight
from vdes.reading.worklist import LOW_ENERGY, VIRTUAL, chosen_real

# BI-RADS has its limits at probabilities of malignancy of 2, 10, 50 and 95 %. Every second lesion of a phantom is
# malignant, about every tenth in clinical practice, where these percentages would correspond to those limits
CATEGORIES = ((15.0, "3"), (50.0, "4A"), (90.0, "4B"), (99.0, "4C"), (100.0, "5"))
MARKED_FROM = 5  # per cent
FOUND = {LOW_ENERGY: 0.90}  # chance that a reader locates the lesion; in DES:
FOUND_IN_DES = 0.97
MISPLACED_MM = 2.0
UNSURE = 0.4  # standard deviation of readers' judgement when they grade an enhancement score
CHANCE_FLAG = 0.02  # of calling a feature missing, distorted or invented without a cause
DISTORTED = 0.06  # for each standard deviation of the virtual DES image's noise
QUALITY = (4.3, -0.6)  # mean score of real DES, and the change for each standard deviation of noise in virtual DES
TELLING = 0.5  # how strongly noise in virtual DES gives it away

Answer = dict[str, Any]


def reading_answer(
    sight: Sight,
    case: Mapping[str, Any],
    background: str,
    modality: str,
    malignancy_log_odds: float,
    virtual_noise: float,
    rng: np.random.Generator,
) -> Answer:
    """Return the answer to a reading.

    Args:
        sight: what can be seen of the breast.
        case: from the plan, with the sizes of its views and the places of lesions.
        background: background enhancement of the phantom.
        modality: low_energy, real or virtual.
        malignancy_log_odds: the reader's log odds of malignancy.
        virtual_noise: standard deviation of the noise in virtual DES.
        rng: of the reading.
    """
    malignancy = round(100 * float(expit(malignancy_log_odds)))
    marks = _marks(sight, case, modality, malignancy, rng)
    confidence = int(np.clip(1 + round(abs(malignancy - 50) / 12.5 + 0.5 * rng.standard_normal()), 1, 5))
    answer: Answer = {"marks": marks, "birads": _category(malignancy, bool(marks)), "malignancy": malignancy}
    answer["confidence"] = confidence
    if modality == LOW_ENERGY:
        return answer
    shown = sight.enhancement(modality, virtual_noise)
    judged = shown + UNSURE * float(rng.standard_normal())
    terms = list(BACKGROUND)
    place = int(np.clip(terms.index(background) + rng.choice([-1, 0, 1], p=[0.1, 0.8, 0.1]), 0, len(terms) - 1))
    answer |= {"bpe": terms[place], "lesion_type": "none"}
    if sight.lesion is not None and shown > ENHANCES_FROM:
        non_mass = sight.lesion.non_mass
        inner = (
            "rim" if judged > RIM_FROM else "clumped" if non_mass else "heterogeneous" if judged > 1 else "homogeneous"
        )
        answer |= {
            "lesion_type": "non-mass" if non_mass else "mass",
            "conspicuity": "high" if judged > 1.4 else "moderate" if judged > 0.7 else "low",
            "internal_enhancement": inner,
        }
        if not non_mass:
            edge = sight.lesion.irregularity
            answer["margin"] = "spiculated" if edge > 0.75 else "irregular" if edge > 0.4 else "circumscribed"
    return answer | _flags(sight, modality, shown, virtual_noise, rng)


def choice_answer(sight: Sight, task: Mapping[str, Any], virtual_noise: float, rng: np.random.Generator) -> Answer:
    """Return the side taken for the real image, which is right with probability ``Phi(TELLING * virtual_noise)``."""
    told = TELLING * virtual_noise + np.sqrt(0.3) * sight.doubt + np.sqrt(0.7) * rng.standard_normal() > 0
    real = LEFT if chosen_real(task, LEFT) else RIGHT
    other = RIGHT if real == LEFT else LEFT
    return {"chosen": real if told else other}


def quality_answer(
    sight: Sight, modality: str, reader_bias: float, virtual_noise: float, rng: np.random.Generator
) -> Answer:
    """Return the quality score of an image."""
    mean = QUALITY[0] + (QUALITY[1] * virtual_noise if modality == VIRTUAL else 0.0)
    score = mean + 0.3 * reader_bias + 0.4 * sight.doubt + 0.5 * rng.standard_normal()
    return {"quality": int(np.clip(round(score), 1, 5))}


def telling_share(virtual_noise: float) -> float:
    """Return the share of right choices that `choice_answer` makes over many cases."""
    return float(norm.cdf(TELLING * virtual_noise))


def _category(malignancy: int, marked: bool) -> str:
    if malignancy <= 2 and not marked:
        return "1"
    return next(category for limit, category in CATEGORIES if malignancy <= limit)


def _marks(
    sight: Sight, case: Mapping[str, Any], modality: str, malignancy: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    if malignancy < MARKED_FROM and (sight.lesion is None or rng.random() < 0.5):
        return []
    found = sight.lesion is not None and rng.random() < FOUND.get(modality, FOUND_IN_DES)
    marks = []
    for view, record in case["views"].items():
        rows, columns = record["rows"], record["columns"]
        lesions = record["lesions"] if found else []
        spread = MISPLACED_MM / record["pixel_size_mm"] if record["pixel_size_mm"] else 0.01 * rows
        # off the lesion: somewhere in the middle of the image's breast side
        x, y = columns * rng.uniform(0.2, 0.5), rows * rng.uniform(0.3, 0.7)
        if record["chest_wall"] == "right":
            x = columns - x
        if lesions:
            x, y = lesions[0]["x"] + spread * rng.standard_normal(), lesions[0]["y"] + spread * rng.standard_normal()
        marks.append(
            {
                "view": view,
                "x": round(float(np.clip(x, 0, columns - 1)), 1),
                "y": round(float(np.clip(y, 0, rows - 1)), 1),
            }
        )
    return marks


def _flags(sight: Sight, modality: str, shown: float, virtual_noise: float, rng: np.random.Generator) -> dict[str, int]:
    chance = dict.fromkeys(("missing", "distorted", "invented"), CHANCE_FLAG)
    if modality == VIRTUAL:
        chance["distorted"] += DISTORTED * virtual_noise
        if sight.lesion is not None:
            there = sight.lesion.enhancement_score > ENHANCES_FROM
            chance["missing"] += 0.8 * (there and shown <= ENHANCES_FROM)
            chance["invented"] += 0.8 * (not there and shown > ENHANCES_FROM)
    return {name: int(rng.random() < share) for name, share in chance.items()}
