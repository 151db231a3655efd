"""Non-inferiority: is the virtual arm worse than the real one by less than a margin fixed in advance?"""

from __future__ import annotations

import math
from typing import NamedTuple

import scipy.stats

from vdes.errors import InputError


class NonInferiority(NamedTuple):
    """The verdict and, if more patients could decide, how many are needed."""

    verdict: str
    patients_needed: int | None


def non_inferiority(
    value: float,
    low: float,
    high: float,
    standard_error: float,
    patients: int,
    margin: float,
    power: float = 0.8,
    confidence: float = 0.95,
) -> NonInferiority:
    """Compare a paired difference (virtual minus real, of a metric where more is better) with a margin.

    - ``non-inferior``: the interval lies above minus the margin. It may lie below 0 as well: worse, but not by that
      much.
    - ``inferior``: the interval lies below minus the margin.
    - ``inconclusive: about N patients would be needed``: minus the margin is in the interval (Piaggio et al.,
      "Reporting of noninferiority and equivalence randomized trials", JAMA 308(24), 2012).

    N is ``patients * (standard_error * (z(confidence) + z(power)) / (margin + difference)) ** 2``, because the standard
    error decreases with the square root of the number of patients; z(confidence) is the one-sided normal quantile of
    the interval. The true difference is taken to be the estimated one, or 0 if that is above 0. If it is minus the
    margin or less, no number of patients would be enough, and the verdict says so. N is as uncertain as the estimates
    it comes from.

    For a metric where less is better, such as Brier, pass the negated difference and bounds.

    Args:
        value: the estimated difference.
        low: lower bound of its two-sided interval.
        high: upper bound of it.
        standard_error: of the difference, from `vdes.statistics.paired_bootstrap.paired_bootstrap`.
        patients: number of patients of the estimate.
        margin: the largest acceptable loss, above 0, fixed before the data were seen.
        power: probability, in (0, 1), that N patients give the verdict ``non-inferior``.
        confidence: level of the interval; .95 is a one-sided test at .025.

    Returns:
        Verdict and N, rounded up to two digits; N is None if the verdict is final or no number would be enough. With
        NaN bounds the verdict is ``inconclusive: the interval is undefined``.

    Raises:
        InputError: the margin, the power, the confidence or the number of patients is out of range.
    """
    if not 0 < margin < math.inf:
        raise InputError(f"margin: expected a number above 0, got {margin}")
    if patients < 1 or not (0 < power < 1 and 0 < confidence < 1):
        raise InputError(
            "patients, power, confidence: expected 1 or more and two numbers in (0, 1), "
            f"got {patients}, {power} and {confidence}"
        )
    if math.isnan(low) or math.isnan(high):
        return NonInferiority("inconclusive: the interval is undefined", None)
    if low > -margin:
        return NonInferiority("non-inferior", None)
    if high < -margin:
        return NonInferiority("inferior", None)
    distance = margin + min(value, 0)
    if distance <= 0:
        return NonInferiority("inconclusive: the estimated difference is beyond the margin", None)
    needed = two_digits_up(patients_for(distance, standard_error, patients, power, confidence))
    return NonInferiority(f"inconclusive: about {needed} patients would be needed", needed)


def patients_for(distance: float, standard_error: float, patients: int, power: float, confidence: float) -> float:
    """Return how many patients would show a distance, because the standard error shrinks with their square root.

    Args:
        distance: of the true difference from minus the margin, above 0.
        standard_error: of the difference, with ``patients`` patients.
        patients: number of patients of the standard error.
        power: in (0, 1).
        confidence: of the two-sided interval.
    """
    reach = scipy.stats.norm.isf((1 - confidence) / 2) + scipy.stats.norm.ppf(power)
    return float(patients * (standard_error * reach / distance) ** 2)


def two_digits_up(number: float) -> int:
    """Return a number of 0 or more, rounded up to two digits."""
    whole = math.ceil(number)
    unit = 10 ** max(len(str(whole)) - 2, 0)
    return math.ceil(whole / unit) * unit
