"""Simulated studies of two arms whose true metrics are known: binormal scores, clustered in patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import scipy.optimize
from scipy.special import ndtr, ndtri

MALIGNANT = 1 / 3  # of the patients
AUC = 0.9  # of the reference
SPECIFICITY = 0.85  # of both arms: each has its threshold fixed before the study
WITHIN = 0.5  # correlation of two images of a patient, in one arm
# cases of a patient; in a malignant patient the first of them are malignant, such as both views of one breast
CASES = {"examination": (1, 1), "image": (4, 2)}
THRESHOLD = float(ndtri(SPECIFICITY))


@dataclass(frozen=True)
class KnownScores:
    """A population of patients with the scores of an arm and its reference.

    A score is ``separation * malignant`` plus a standard normal error, which is a sum of a part of the patient and a
    part of the case. The same share of each is common to both arms. An area under the ROC curve is then
    ``Phi(separation / sqrt(2))`` (the binormal model; Pepe, "The Statistical Evaluation of Medical Tests", 2003,
    section 4.4).

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

    def draw(self, patients: int, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
        """Return the predictions of ``arm`` and ``reference`` for new patients, as classifiers write them.

        The class of each patient is drawn, again if all patients have the same, which no study accepts.

        Args:
            patients: number of patients, 2 or more.
            rng: source of randomness.

        Returns:
            By arm, a table with ``case``, ``patient``, ``malignant``, ``probability`` and ``prediction``.
        """
        cases, malignant_cases = CASES[self.level]
        malignant = np.zeros(patients, dtype=bool)
        while malignant.all() or not malignant.any():
            malignant = rng.random(patients) < MALIGNANT
        labels = (malignant[:, None] & (np.arange(cases) < malignant_cases)).ravel()
        of_patient = np.repeat(self._errors(patients, rng), cases, axis=1)
        errors = np.sqrt(WITHIN) * of_patient + np.sqrt(1 - WITHIN) * self._errors(len(labels), rng)
        common = pd.DataFrame(
            {
                "case": np.arange(len(labels)),
                "patient": np.repeat(np.arange(patients), cases),
                "malignant": labels.astype(int),
            }
        )
        tables = {}
        for arm, separation, error in zip(("arm", "reference"), self.separations, errors, strict=True):
            score = separation * labels + error
            tables[arm] = common.assign(
                probability=ndtr(score - THRESHOLD), prediction=(score >= THRESHOLD).astype(int)
            )
        return tables

    @cached_property
    def separations(self) -> tuple[float, float]:
        """The separations of arm and reference, between which the metric differs by ``difference``."""
        reference = float(np.sqrt(2) * ndtri(AUC))
        wanted = true_metric(self.metric, self.level, reference) + self.difference
        arm = scipy.optimize.brentq(lambda at: true_metric(self.metric, self.level, at) - wanted, 0, 10, xtol=1e-12)
        return float(arm), reference

    def _errors(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return (2, size) standard normal errors, correlated between the arms."""
        common, own = rng.standard_normal(size), rng.standard_normal((2, size))
        return np.sqrt(self.correlation) * common + np.sqrt(1 - self.correlation) * own


def true_metric(metric: str, level: str, separation: float) -> float:
    """Return the metric of the whole population, f1, auc or sensitivity, of scores with a separation of 0 or more.

    The AUC is that of cases of different patients.
    """
    if metric == "auc":
        return float(ndtr(separation / np.sqrt(2)))
    sensitivity = float(ndtr(separation - THRESHOLD))
    if metric == "sensitivity":
        return sensitivity
    cases, malignant_cases = CASES[level]
    share = MALIGNANT * malignant_cases / cases
    return 2 * share * sensitivity / (share * sensitivity + (1 - share) * (1 - SPECIFICITY) + share)
