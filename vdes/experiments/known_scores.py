"""Simulated studies of two arms whose true metrics are known: binormal scores, clustered in patients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.optimize
from scipy.special import ndtri

from vdes.study.binormal_scores import CASES, ArmScores, BinormalScores
from vdes.study.drawn_study import DrawnStudy

MALIGNANT = 1 / 3  # of the patients
AUC = 0.9  # of the reference
SPECIFICITY = 0.85  # of both arms: each has its threshold fixed before the study
WITHIN = 0.5  # correlation of two images of a patient, in one arm
LEVELS = ("examination", "image")
THRESHOLD = float(ndtri(SPECIFICITY))


@dataclass(frozen=True)
class KnownScores:
    """A population of patients with the scores of an arm and its reference, by their true difference.

    Attributes:
        level: examination (one case per patient) or image (four, two of them malignant in a malignant patient).
        metric: f1, auc or sensitivity.
        difference: true difference of the arm from its reference in that metric.
        correlation: of the two arms' scores of a case, within a class; 0 to 1.
    """

    level: str
    metric: str
    difference: float
    correlation: float

    def draw(self, patients: int, rng: np.random.Generator) -> DrawnStudy:
        """Return the predictions of ``arm`` and ``reference`` for new patients, as `BinormalScores.draw`."""
        return self.population.draw(patients, rng)

    @cached_property
    def population(self) -> BinormalScores:
        """The population in which the metric differs by ``difference``."""
        reference = ArmScores(float(np.sqrt(2) * ndtri(AUC)), THRESHOLD)
        alike = BinormalScores(
            reference, reference, MALIGNANT, *CASES[self.level], correlation=self.correlation, within=WITHIN
        )
        wanted = alike.true_metric(self.metric, reference) + self.difference

        def excess(separation: float) -> float:
            return alike.true_metric(self.metric, ArmScores(separation, THRESHOLD)) - wanted

        arm = ArmScores(float(scipy.optimize.brentq(excess, 0, 10, xtol=1e-12)), THRESHOLD)
        return replace(alike, arm=arm)
