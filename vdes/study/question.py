"""The question of a study, fixed before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vdes.data.vocabulary import LEVELS
from vdes.errors import InputError
from vdes.statistics.classification_metrics import MORE_IS_BETTER
from vdes.study.arms import Arm


@dataclass(frozen=True)
class Question:
    """Can the images of one arm replace those of its reference?

    Attributes:
        arm: id of the arm.
        metric: one of `vdes.statistics.classification_metrics.MORE_IS_BETTER`.
        level: image, breast or examination.
        margin: the largest acceptable loss.
        confidence: level of the two-sided interval.
        power: power for the estimate of how many patients would decide an inconclusive answer.
        n_resamples: bootstrap samples behind every interval.
        seed: seed of the bootstrap.
    """

    arm: str
    metric: str = "f1"
    level: str = "examination"
    margin: float = 0.05
    confidence: float = 0.95
    power: float = 0.8
    n_resamples: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        for name, value, known in (("metric", self.metric, MORE_IS_BETTER), ("level", self.level, LEVELS)):
            if value not in known:
                raise InputError(f"question: {name}: {value!r}; expected one of {', '.join(known)}")
        for name, number in (("margin", self.margin), ("confidence", self.confidence), ("power", self.power)):
            if not 0 < number < 1:
                raise InputError(f"question: {name}: {number!r}; expected a number in (0, 1)")
        if self.n_resamples < 1 or self.seed < 0:
            raise InputError(
                f"question: n_resamples, seed: {self.n_resamples}, {self.seed}; expected 1 or more, 0 or more"
            )

    def reference(self, arms: Sequence[Arm]) -> str:
        """Return the reference of the question's arm.

        Raises:
            InputError: no arm has the id, or it has no reference.
        """
        found = {arm.arm: arm.reference for arm in arms}.get(self.arm)
        if found is None:
            asked = ", ".join(arm.arm for arm in arms if arm.reference)
            raise InputError(f"question: arm: {self.arm!r}; expected one of {asked}")
        return found

    def record(self) -> dict[str, Any]:
        """Return the question as a dictionary for JSON."""
        return asdict(self)
