"""The patients that a planned study without a pilot assumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.optimize
import scipy.stats

from vdes.errors import InputError
from vdes.study.arguments import Assumed
from vdes.study.binormal_scores import CASES, ArmScores, BinormalScores, of_auc, of_sensitivity

CLOSEST = 0.999  # largest correlation of two arms that are not the same


def assumed_population(assumed: Assumed, level: str) -> BinormalScores:
    """Return the patients that are simulated; ``arm`` is virtual and ``reference`` real DES.

    Args:
        assumed: what is assumed.
        level: image, breast or examination.

    Raises:
        InputError: the numbers of images do not fit the level, or no scores have the assumed values.
    """
    cases, malignant_cases = _cases(assumed, level)
    share = assumed.prevalence * malignant_cases / cases
    reference, arm = (_arm(assumed, place, share) for place in (0, 1))
    correlation = assumed.correlation
    if assumed.disagreement is not None:
        correlation = _correlation(assumed.disagreement, (arm, reference), share)
    return BinormalScores(arm, reference, assumed.prevalence, cases, malignant_cases, correlation, assumed.within)


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


def _cases(assumed: Assumed, level: str) -> tuple[int, int]:
    if level != "image":
        if assumed.images_per_patient is not None or assumed.malignant_images is not None:
            raise InputError(f"--images-per-patient, --malignant-images: expected with --level image, not {level}")
        return CASES[level]
    images = CASES["image"][0] if assumed.images_per_patient is None else assumed.images_per_patient
    malignant = assumed.malignant_images if assumed.malignant_images is not None else max(images // 2, 1)
    if not 1 <= malignant <= images:
        raise InputError(
            f"--images-per-patient, --malignant-images: {images}, {malignant}; expected 1 or more, of which 1 or "
            "more are malignant"
        )
    return images, malignant


def _arm(assumed: Assumed, place: int, share: float) -> ArmScores:
    specificity = assumed.specificity[place]
    if assumed.auc is not None:
        return of_auc(assumed.auc[place], specificity)
    if assumed.sensitivity is not None:
        return of_sensitivity(assumed.sensitivity[place], specificity)
    f1 = (assumed.f1 or ())[place]
    sensitivity = f1 * (share + (1 - share) * (1 - specificity)) / (share * (2 - f1))
    if not 0 < sensitivity < 1:
        raise InputError(
            f"--f1: {f1}: not possible with a specificity of {specificity} where {share:.3g} of the cases are "
            "malignant; expected a lower F1, or a higher --specificity or --prevalence"
        )
    return of_sensitivity(sensitivity, specificity)


def _correlation(wanted: float, arms: Sequence[ArmScores], share: float) -> float:
    most, least = (disagreement(correlation, arms, share) for correlation in (0.0, CLOSEST))
    if not least <= wanted <= most:
        raise InputError(
            f"--disagreement: {wanted}; expected {least:.3f} to {most:.3f}, which these values allow for scores that "
            "correlate by 0 to 1"
        )
    return float(scipy.optimize.brentq(lambda at: disagreement(at, arms, share) - wanted, 0.0, CLOSEST, xtol=1e-6))
