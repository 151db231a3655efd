"""The number of cases that a reader study needs, and the power of a study of a given size.

Hillis, Obuchowski and Berbaum, "Power estimation for multireader ROC methods: an updated and unified approach",
Academic Radiology 18(2), 2011. Error covariances shrink as cases are added; the readers' preferences for a
modality do not. With few readers, no number of cases may be enough.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import scipy.stats

from vdes.errors import InputError
from vdes.statistics.mrmc.obuchowski_rockette import Components

MOST_CASES = 20_000
# assumptions without a pilot study: correlations between modalities of one reader ranged from .35 to .59 in two
# large studies (Rockette et al., Academic Radiology 6(12), 1999), .47 is the middle; the other values, including
# the readers' preferences, are those of the study of Van Dyke et al. as OR-DBM MRMC 2.51 gives them
CORRELATIONS = (0.47, 0.43, 0.30)
INTERACTION_SD = 0.0142


class Power(NamedTuple):
    """The power of a study, with the standard error and degrees of freedom that its difference would have."""

    power: float
    standard_error: float
    degrees_of_freedom: float


def reader_study_power(
    pilot: Components,
    pilot_cases: int,
    readers: int,
    cases: int,
    difference: float,
    margin: float | None = None,
    confidence: float = 0.95,
    fixed_readers: bool = False,
) -> Power:
    """Return the probability that a study of two modalities, crossed with readers and cases, succeeds.

    Args:
        pilot: variance components of a figure of merit, as `vdes.statistics.mrmc.obuchowski_rockette.components` gives
            them. A negative variance of interaction counts as 0.
        pilot_cases: number of cases in the pilot.
        readers: planned, two or more; one or more if fixed.
        cases: planned, with the same share of malignant cases as the pilot.
        difference: the true difference, new modality minus reference.
        margin: above 0; the study succeeds if the lower bound of the two-sided interval lies above minus the margin.
            None: it succeeds if the modalities differ in either direction.
        confidence: of the interval.
        fixed_readers: whether the readers are not a sample of readers.

    Raises:
        InputError: a number is out of range, or a component is not finite.
    """
    _check(pilot, pilot_cases, readers, cases, confidence, fixed_readers)
    if margin is not None and not margin > 0:
        raise InputError(f"margin: expected a number above 0, or None, got {margin}")
    ratio = pilot_cases / cases
    between = max(pilot.cov2 - pilot.cov3, 0.0) if readers > 1 else 0.0
    own = pilot.error - pilot.cov1
    if fixed_readers:
        variance = 2 / readers * ratio * (own + (readers - 1) * between)
        degrees = math.inf
    else:
        interaction = max(pilot.interaction, 0.0)
        scale = interaction + ratio * (own + (readers - 1) * between)
        alone = interaction + ratio * (own - between)
        variance = 2 / readers * scale
        degrees = (readers - 1) * (scale / alone) ** 2 if alone > 0 else math.inf
    error = math.sqrt(max(variance, 0.0))
    if error == 0:
        raise InputError("pilot: expected components that give the difference a variance above 0")
    effect = (difference if margin is None else difference + margin) / error
    limit = _quantile(degrees, (1 - confidence) / 2)
    power = _above(limit, degrees, effect) + (_above(limit, degrees, -effect) if margin is None else 0.0)
    return Power(power, error, degrees)


def cases_needed(
    pilot: Components,
    pilot_cases: int,
    readers: int,
    difference: float,
    margin: float | None = None,
    power: float = 0.8,
    confidence: float = 0.95,
    fixed_readers: bool = False,
    most: int = MOST_CASES,
) -> int | None:
    """Return the smallest number of cases that reaches a power, or None if even ``most`` cases do not.

    Args:
        pilot: as in `reader_study_power`.
        pilot_cases: as in `reader_study_power`.
        readers: as in `reader_study_power`.
        difference: as in `reader_study_power`.
        margin: as in `reader_study_power`.
        power: required power, in (0, 1).
        confidence: as in `reader_study_power`.
        fixed_readers: as in `reader_study_power`.
        most: the largest number tried.

    Raises:
        InputError: as `reader_study_power`, or the power is out of range.
    """
    if not 0 < power < 1:
        raise InputError(f"power: expected a number in (0, 1), got {power}")

    def enough(cases: int) -> bool:
        found = reader_study_power(pilot, pilot_cases, readers, cases, difference, margin, confidence, fixed_readers)
        return found.power >= power

    if not enough(most):
        return None
    low, high = 1, most  # power grows with the cases
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def assumed_components(auc: float, malignant: int, others: int) -> Components:
    """Return variance components of an area under the ROC curve for planning without a pilot study.

    The variance is that of Hanley and McNeil, Radiology 143(1), 1982; the correlations between modalities and readers,
    `CORRELATIONS`, and the variance of readers' preferences, `INTERACTION_SD` squared, come from published studies.
    Use those of a pilot study as soon as there is one.

    Args:
        auc: expected, in (.5, 1).
        malignant: number of malignant cases, two or more.
        others: number of other cases, two or more.

    Raises:
        InputError: a number is out of range.
    """
    if not 0.5 < auc < 1 or min(malignant, others) < 2:
        raise InputError(
            f"auc, malignant, others: expected a number in (.5, 1) and two or more cases of each class, got {auc}, "
            f"{malignant} and {others}"
        )
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    error = auc * (1 - auc) + (malignant - 1) * (first - auc**2) + (others - 1) * (second - auc**2)
    error /= malignant * others
    cov1, cov2, cov3 = (correlation * error for correlation in CORRELATIONS)
    return Components(error, cov1, cov2, cov3, math.nan, INTERACTION_SD**2)


def _check(
    pilot: Components, pilot_cases: int, readers: int, cases: int, confidence: float, fixed_readers: bool
) -> None:
    needed = [pilot.error, pilot.cov1]
    needed += [pilot.cov2, pilot.cov3] if readers > 1 else []
    needed += [] if fixed_readers else [pilot.interaction]
    if not all(math.isfinite(value) for value in needed):
        raise InputError("pilot: expected components of two or more readers and modalities; one is not a number")
    if min(pilot_cases, cases) < 1 or readers < (1 if fixed_readers else 2):
        raise InputError(
            f"pilot_cases, cases, readers: expected 1 or more, and two or more random readers, got {pilot_cases}, "
            f"{cases} and {readers}"
        )
    if not 0 < confidence < 1:
        raise InputError(f"confidence: expected a number in (0, 1), got {confidence}")


def _quantile(degrees: float, tail: float) -> float:
    law = scipy.stats.norm if math.isinf(degrees) else scipy.stats.t(degrees)
    return float(law.isf(tail))


def _above(limit: float, degrees: float, effect: float) -> float:
    """Return the probability that noncentral t exceeds a limit."""
    if math.isinf(degrees):
        return float(scipy.stats.norm.sf(limit - effect))
    return float(scipy.stats.nct.sf(limit, degrees, effect))
