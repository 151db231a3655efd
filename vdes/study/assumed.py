"""What a planned study assumes about real and virtual DES where there is no pilot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.stats

from vdes.errors import InputError
from vdes.study.binormal_scores import ArmScores, BinormalScores, of_auc, of_sensitivity

# cases of a patient; in a malignant patient the first of them are malignant, such as both views of one breast
CASES = {"examination": (1, 1), "breast": (2, 1), "image": (4, 2)}
CLOSEST = 0.999  # largest correlation of two arms that are not the same


@dataclass(frozen=True)
class Assumed:
    """What is assumed; the pairs are of real and of virtual DES.

    Attributes:
        f1: F1 of real and of virtual DES, such as 0.8 0.78. One of F1, AUC and sensitivity is needed.
        auc: area under the ROC curve of real and of virtual DES.
        sensitivity: sensitivity of real and of virtual DES.
        specificity: specificity of real and of virtual DES.
        prevalence: share of the patients that are malignant.
        images_per_patient: images of a patient, with ``--level image``. Without it 4.
        malignant_images: how many of them are malignant in a malignant patient. Without it half of them.
        correlation: of the scores of real and virtual DES of a case, among malignant cases and among others. The
            lower, the more patients.
        disagreement: share of the cases that are called malignant with only one of real and virtual DES, in place of
            the correlation.
        within: correlation of two images or breasts of a patient.
    """

    f1: tuple[float, float] | None = None
    auc: tuple[float, float] | None = None
    sensitivity: tuple[float, float] | None = None
    specificity: tuple[float, float] = (0.85, 0.85)
    prevalence: float = 0.33
    images_per_patient: int | None = None
    malignant_images: int | None = None
    correlation: float = 0.4
    disagreement: float | None = None
    within: float = 0.5

    def __post_init__(self) -> None:
        """Check all values.

        Raises:
            InputError: not exactly one of F1, AUC and sensitivity is given, or a value is out of range.
        """
        given = [name for name in ("f1", "auc", "sensitivity") if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError(
                f"assumed: {', '.join(given) or 'none'}; expected one of --f1, --auc and --sensitivity, or --pilot"
            )
        for name in (given[0], "specificity"):
            for value in getattr(self, name):
                _check_share(name, value)
        _check_share("prevalence", self.prevalence)
        for name in ("correlation", "within"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"--{name}: {getattr(self, name)}; expected a number of 0 to 1")
        if self.disagreement is not None:
            _check_share("disagreement", self.disagreement)

    def population(self, level: str) -> BinormalScores:
        """Return the patients that are simulated; ``reference`` is real DES.

        Args:
            level: image, breast or examination.

        Raises:
            InputError: the numbers of images do not fit the level, or no scores have the assumed values.
        """
        cases, malignant_cases = self._cases(level)
        share = self.prevalence * malignant_cases / cases
        reference, arm = (self._arm(place, share) for place in (0, 1))
        correlation = self.correlation
        if self.disagreement is not None:
            correlation = _correlation(self.disagreement, (arm, reference), share)
        return BinormalScores(arm, reference, self.prevalence, cases, malignant_cases, correlation, self.within)

    def _cases(self, level: str) -> tuple[int, int]:
        if level != "image":
            if self.images_per_patient is not None or self.malignant_images is not None:
                raise InputError(f"--images-per-patient, --malignant-images: expected with --level image, not {level}")
            return CASES[level]
        images = CASES["image"][0] if self.images_per_patient is None else self.images_per_patient
        malignant = self.malignant_images if self.malignant_images is not None else max(images // 2, 1)
        if not 1 <= malignant <= images:
            raise InputError(
                f"--images-per-patient, --malignant-images: {images}, {malignant}; expected 1 or more, of which 1 or "
                "more are malignant"
            )
        return images, malignant

    def _arm(self, place: int, share: float) -> ArmScores:
        specificity = self.specificity[place]
        if self.auc is not None:
            return of_auc(self.auc[place], specificity)
        if self.sensitivity is not None:
            return of_sensitivity(self.sensitivity[place], specificity)
        f1 = (self.f1 or ())[place]
        sensitivity = f1 * (share + (1 - share) * (1 - specificity)) / (share * (2 - f1))
        if not 0 < sensitivity < 1:
            raise InputError(
                f"--f1: {f1}: not possible with a specificity of {specificity} where {share:.3g} of the cases are "
                "malignant; expected a lower F1, or a higher --specificity or --prevalence"
            )
        return of_sensitivity(sensitivity, specificity)


def disagreement(correlation: float, arms: Sequence[ArmScores], share: float) -> float:
    """Return the expected share of cases on which the decisions of two arms differ.

    Args:
        correlation: of their scores within a class, below 1.
        arms: the two arms.
        share: share of malignant cases.
    """
    law = scipy.stats.multivariate_normal(cov=np.array([[1, correlation], [correlation, 1]]))
    found = 0.0
    for weight, malignant in ((share, 1), (1 - share, 0)):
        reach = [one.separation * malignant - one.threshold for one in arms]
        called = scipy.stats.norm.cdf(reach)
        found += weight * float(called.sum() - 2 * law.cdf(reach))
    return found


def _correlation(wanted: float, arms: Sequence[ArmScores], share: float) -> float:
    most, least = (disagreement(correlation, arms, share) for correlation in (0.0, CLOSEST))
    if not least <= wanted <= most:
        raise InputError(
            f"--disagreement: {wanted}; expected {least:.3f} to {most:.3f}, which these values allow for scores that "
            "correlate by 0 to 1"
        )
    return float(scipy.optimize.brentq(lambda at: disagreement(at, arms, share) - wanted, 0.0, CLOSEST, xtol=1e-6))


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise InputError(f"--{name}: {value}; expected a number above 0 and below 1")
