"""Simulated patients with two arms' scores, whose metrics in the whole population are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from vdes.statistics.classification_metrics import METRICS, classification_metrics
from vdes.statistics.resampled_metrics import Cases
from vdes.study.drawn_study import DrawnStudy

# cases of a patient; in a malignant patient the first of them are malignant, such as both views of one breast
CASES = {"examination": (1, 1), "breast": (2, 1), "image": (4, 2)}
QUANTILES = 20_000


@dataclass(frozen=True)
class ArmScores:
    """The scores of one arm.

    Attributes:
        separation: distance of the means of malignant and other cases, in standard deviations of each.
        threshold: a score at or above it is called malignant; other cases have mean 0.
    """

    separation: float
    threshold: float

    @property
    def auc(self) -> float:
        """The area under the ROC curve, of cases of different patients."""
        return float(ndtr(self.separation / np.sqrt(2)))

    @property
    def sensitivity(self) -> float:
        """The share of malignant cases that are called malignant."""
        return float(ndtr(self.separation - self.threshold))

    @property
    def specificity(self) -> float:
        """The share of other cases that are not called malignant."""
        return float(ndtr(self.threshold))


@dataclass(frozen=True)
class BinormalScores:
    """A population of patients with the scores of an arm and its reference.

    A score is ``separation * malignant`` plus a standard normal error, which is a sum of a part of the patient and a
    part of the case. The same share of each is common to both arms. An area under the ROC curve is then
    ``Phi(separation / sqrt(2))`` (the binormal model; Pepe, "The Statistical Evaluation of Medical Tests", 2003,
    section 4.4).

    Attributes:
        arm: scores of the arm.
        reference: scores of its reference.
        malignant: share of malignant patients, each drawn independently.
        cases: cases of a patient.
        malignant_cases: how many of them are malignant in a malignant patient.
        correlation: of the two arms' scores of a case, within a class; 0 to 1.
        within: correlation of two cases of a patient, in one arm; 0 to 1.
    """

    arm: ArmScores
    reference: ArmScores
    malignant: float
    cases: int
    malignant_cases: int
    correlation: float
    within: float

    def draw(self, patients: int, rng: np.random.Generator) -> DrawnStudy:
        """Return the predictions of ``arm`` and ``reference`` for new patients.

        The class of each patient is drawn, again if all cases have the same, which no study accepts.

        Args:
            patients: number of patients, 2 or more.
            rng: source of randomness.
        """
        malignant = np.zeros(patients, dtype=bool)
        mixed = self.malignant_cases < self.cases
        while not malignant.any() or (malignant.all() and not mixed):
            malignant = rng.random(patients) < self.malignant
        labels = (malignant[:, None] & (np.arange(self.cases) < self.malignant_cases)).ravel()
        of_patient = np.repeat(self._errors(patients, rng), self.cases, axis=1)
        errors = np.sqrt(self.within) * of_patient + np.sqrt(1 - self.within) * self._errors(len(labels), rng)
        both = []
        for scores, error in zip((self.arm, self.reference), errors, strict=True):
            reach = scores.separation * labels + error - scores.threshold
            both.append(Cases(labels, ndtr(reach), reach >= 0))
        return DrawnStudy(np.repeat(np.arange(patients), self.cases), *both)

    def true_metric(self, metric: str, scores: ArmScores) -> float:
        """Return an arm's metric in the whole population.

        Other metrics of probabilities than the AUC are those of `QUANTILES` quantiles of the scores of each class.

        Args:
            metric: one of `vdes.statistics.classification_metrics.METRICS`.
            scores: the arm.
        """
        share = self.malignant * self.malignant_cases / self.cases
        of_decisions = METRICS[metric].of_decisions
        if of_decisions is not None:
            found, alarms = share * scores.sensitivity, (1 - share) * (1 - scores.specificity)
            cells = (found, alarms, share - found, 1 - share - alarms)
            tp, fp, fn, tn = (np.array([cell]) for cell in cells)
            return float(of_decisions((tp, fp, fn, tn))[0])
        if metric == "auc":
            return scores.auc
        errors = np.tile(ndtri((np.arange(QUANTILES) + 0.5) / QUANTILES), 2)
        labels = np.repeat([True, False], QUANTILES)
        probability = ndtr(scores.separation * labels + errors - scores.threshold)
        weights = np.where(labels, share, 1 - share)[None]
        return float(classification_metrics(labels, probability, weights=weights, metrics=[metric])[metric][0])

    def difference(self, metric: str) -> float:
        """Return the true difference of the arm from its reference."""
        return self.true_metric(metric, self.arm) - self.true_metric(metric, self.reference)

    def _errors(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return (2, size) standard normal errors, correlated between the arms."""
        common, own = rng.standard_normal(size), rng.standard_normal((2, size))
        return np.sqrt(self.correlation) * common + np.sqrt(1 - self.correlation) * own


def of_sensitivity(sensitivity: float, specificity: float) -> ArmScores:
    """Return the scores with a sensitivity and a specificity, each in (0, 1)."""
    threshold = float(ndtri(specificity))
    return ArmScores(float(ndtri(sensitivity)) + threshold, threshold)


def of_auc(auc: float, specificity: float) -> ArmScores:
    """Return the scores with an area under the ROC curve and a specificity, each in (0, 1)."""
    return ArmScores(float(np.sqrt(2) * ndtri(auc)), float(ndtri(specificity)))
