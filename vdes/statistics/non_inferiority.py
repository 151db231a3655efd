"""Is the virtual arm worse than the real one by no more than a margin fixed beforehand?"""

from __future__ import annotations

import math
from typing import NamedTuple

import scipy.stats

from vdes.errors import InputError


class NonInferiority(NamedTuple):
    """The verdict in words and, where more patients could settle it, how many that takes."""

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
    """Judge a paired difference (virtual minus real, of a metric of which more is better) against a margin.

    - ``non-inferior``: the interval lies above minus the margin. It may lie below 0 as well: worse, but not by that
      much.
    - ``inferior``: the interval lies below minus the margin.
    - ``inconclusive: about N patients would be needed``: minus the margin is in the interval (Piaggio et al.,
      "Reporting of noninferiority and equivalence randomized trials", JAMA 308(24), 2012).

    N is ``patients * (standard_error * (z(confidence) + z(power)) / (margin + difference)) ** 2``, for the standard
    error falls with the root of the number of patients; z(confidence) is the normal quantile of the interval's one
    side. The difference taken as true is the estimated one, or 0 where that is above 0. Where it is minus the margin or
    less, no number of patients would do, and the verdict says so. N comes from estimates and is as uncertain as they.

    For a metric of which less is better, such as Brier, pass the negated difference and bounds.

    Args:
        value: the estimated difference.
        low: lower bound of its two-sided interval.
        high: upper bound of it.
        standard_error: of the difference, as `vdes.statistics.paired_bootstrap.paired_bootstrap` gives it.
        patients: behind the estimate.
        margin: the largest loss that is acceptable, above 0, fixed before the data were seen.
        power: chance, in (0, 1), that N patients give the verdict ``non-inferior``.
        confidence: of the interval; .95 is a one-sided test at .025.

    Returns:
        Verdict and N, rounded up to two digits; N is None where nothing is left to settle or no number would do. With
        NaN bounds the verdict is ``inconclusive: the interval is undefined``.

    Raises:
        InputError: on a margin, a power, a confidence or a number of patients out of range.
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
    reach = scipy.stats.norm.isf((1 - confidence) / 2) + scipy.stats.norm.ppf(power)
    needed = _two_digits_up(patients * (standard_error * reach / distance) ** 2)
    return NonInferiority(f"inconclusive: about {needed} patients would be needed", needed)


def _two_digits_up(number: float) -> int:
    whole = math.ceil(number)
    unit = 10 ** max(len(str(whole)) - 2, 0)
    return math.ceil(whole / unit) * unit
