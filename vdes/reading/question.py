"""The question of a reader study, fixed in its plan, and the verdict on it, worded as in the classifier study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from vdes.errors import InputError
from vdes.statistics.mrmc.obuchowski_rockette import READERS, Components, Estimate
from vdes.statistics.mrmc.sample_size import cases_needed
from vdes.statistics.non_inferiority import non_inferiority
from vdes.study.verdicts import AT_CHANCE, CHANCE

MANY_READERS = 100  # more than any study would have
METRICS = ("auc", "located_auc", "sensitivity", "specificity")


@dataclass(frozen=True)
class ReadingQuestion:
    """May one modality replace another?

    Attributes:
        arm: the new modality.
        reference: the modality that it would replace.
        metric: one of `METRICS`.
        margin: the largest acceptable loss.
        confidence: of the two-sided intervals.
        power: for estimating the number of cases that would settle an inconclusive answer.
        readers: random, if they are a sample of readers, or fixed.
    """

    arm: str = "virtual"
    reference: str = "real"
    metric: str = "auc"
    margin: float = 0.05
    confidence: float = 0.95
    power: float = 0.8
    readers: str = "random"

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: one is out of its range; the message names it.
        """
        for name, value, known in (("metric", self.metric, METRICS), ("readers", self.readers, READERS)):
            if value not in known:
                raise InputError(f"question: {name}: {value!r}; expected one of {', '.join(known)}")
        for name in ("margin", "confidence", "power"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"question: {name}: {getattr(self, name)!r}; expected a number in (0, 1)")
        if self.arm == self.reference:
            raise InputError(f"question: arm and reference are both {self.arm!r}; expected two modalities")

    def record(self) -> dict[str, Any]:
        """Return the question as a dictionary for JSON."""
        return asdict(self)


class Verdict(NamedTuple):
    """A verdict in words, and the cases that would settle an inconclusive one with the same readers."""

    verdict: str
    cases_needed: int | None


def planned_question(plan: Mapping[str, Any]) -> ReadingQuestion:
    """Return the question of a plan.

    Raises:
        InputError: the plan has no question, or the question is not valid.
    """
    asked = plan.get("question")
    if not isinstance(asked, Mapping):
        raise InputError("plan.json: question: missing; expected the question of the reader study")
    strange = set(asked) - set(ReadingQuestion.__dataclass_fields__)
    if strange:
        raise InputError(f"plan.json: question: {min(strange)}: is not known here")
    return ReadingQuestion(**asked)


def reading_verdict(
    question: ReadingQuestion,
    difference: Estimate,
    reference_auc: Estimate,
    pilot: Components,
    readers: int,
    cases: int,
) -> Verdict:
    """Judge a difference, arm minus reference, against the question's margin.

    The wording is that of `vdes.study.verdicts.verdicts`; only the number of cases needed differs. More cases reduce
    only part of the uncertainty, because the number of readers stays the same. The number therefore comes from
    `vdes.statistics.mrmc.sample_size.cases_needed`, and there may be none.

    Args:
        question: margin, confidence and power.
        difference: with its interval.
        reference_auc: the reference's area under the ROC curve: if its interval reaches down to chance, the arm has
            nothing to lose.
        pilot: components of the two modalities' figures of merit.
        readers: behind the difference.
        cases: behind the difference.
    """
    found = non_inferiority(
        difference.value,
        difference.low,
        difference.high,
        difference.standard_error,
        cases,
        question.margin,
        question.power,
        question.confidence,
    )
    if np.isnan(difference.low):
        return Verdict(found.verdict, None)
    if not reference_auc.low > CHANCE and found.verdict != "inferior":
        return Verdict(AT_CHANCE.verdict, None)
    if found.patients_needed is None:
        return Verdict(found.verdict, None)

    def needed_with(number: int) -> int | None:
        return cases_needed(
            pilot,
            cases,
            number,
            min(difference.value, 0.0),
            question.margin,
            question.power,
            question.confidence,
            question.readers == "fixed",
        )

    needed = needed_with(readers)
    if needed is None:
        many = readers < MANY_READERS and needed_with(MANY_READERS) is not None
        reason = f"more than {readers} readers would be needed" if many else "the estimated difference is at the margin"
        return Verdict(f"inconclusive: {reason}", None)
    rounded = _two_digits_up(needed)
    return Verdict(f"inconclusive: about {rounded} patients would be needed", rounded)


def _two_digits_up(number: int) -> int:
    unit = 10 ** max(len(str(number)) - 2, 0)
    return -(-number // unit) * unit
