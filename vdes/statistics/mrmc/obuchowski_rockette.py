"""The analysis of Obuchowski and Rockette with the degrees of freedom of Hillis, for random or fixed readers.

A figure of merit of modality i and reader j is ``mean + modality_i + reader_j + interaction_ij + error_ij``, where the
errors are correlated because all were measured on the same cases: ``cov1`` is the covariance of one reader in two
modalities, ``cov2`` that of two readers in one modality, and ``cov3`` applies where both differ (Obuchowski and
Rockette, Communications in Statistics - Simulation and Computation 24(2), 1995; Hillis, "A comparison of denominator
degrees of freedom methods for multiple observer ROC analysis", Statistics in Medicine 26(3), 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.stats

from vdes.errors import InputError
from vdes.statistics.mrmc.figures_of_merit import Merits

READERS = ("random", "fixed")


class Estimate(NamedTuple):
    """A figure of merit or a difference, with its interval; bounds are NaN where nothing varies."""

    value: float
    low: float
    high: float
    standard_error: float
    degrees_of_freedom: float
    p_value: float  # of the hypothesis that the value equals the tested one


class ModalityTest(NamedTuple):
    """The test that all modalities have the same figure of merit.

    ``statistic`` is F for random readers and chi-square for fixed ones, where the denominator's degrees are infinite.
    """

    statistic: float
    numerator_df: float
    denominator_df: float
    p_value: float


@dataclass(frozen=True)
class Components:
    """Variances and covariances of the figures of merit.

    ANOVA estimates, which may be negative; NaN where the design cannot give one, such as ``cov2`` of a single reader.

    Attributes:
        error: variance of the error.
        cov1: of the errors of one reader in two modalities.
        cov2: of two readers in one modality.
        cov3: of two readers in two modalities.
        reader: variance between readers.
        interaction: variance of readers' preferences for modalities.
    """

    error: float
    cov1: float
    cov2: float
    cov3: float
    reader: float
    interaction: float


def components(merits: Merits) -> Components:
    """Return the variance components behind figures of merit.

    Args:
        merits: of M modalities and R readers.
    """
    values, blocks = _checked(merits)
    modalities, readers = values.shape
    error, cov1, cov2, cov3 = _covariances(blocks)
    _, ms_reader, ms_interaction = _mean_squares(values)
    interaction = ms_interaction - error + cov1 + (cov2 - cov3 if readers > 1 and modalities > 1 else math.nan)
    reader = (ms_reader - ms_interaction) / modalities - cov1 + cov3
    return Components(error, cov1, cov2, cov3, reader, interaction)


def modality_test(merits: Merits, readers: str = "random") -> ModalityTest:
    """Test whether all modalities have the same figure of merit.

    With random readers ``F = MS(T) / (MS(T*R) + r max(cov2 - cov3, 0))``, with fixed readers
    ``(t - 1) MS(T) / (error - cov1 + (r - 1) max(cov2 - cov3, 0))`` is chi-square with t - 1 degrees.

    Args:
        merits: of two or more modalities.
        readers: ``random``, if the readers are a sample of readers, or ``fixed``, if only they are of interest.

    Raises:
        InputError: there is only one modality, or only one random reader.
    """
    values, blocks = _checked(merits)
    modalities, number = values.shape
    if modalities < 2:
        raise InputError("modalities: expected two or more to compare, got 1")
    _check_readers(number, readers)
    error, cov1, cov2, cov3 = _covariances(blocks)
    between = max(cov2 - cov3, 0.0) if number > 1 else 0.0
    ms_modality, _, ms_interaction = _mean_squares(values)
    top = modalities - 1
    if readers == "fixed":
        scale = error - cov1 + (number - 1) * between
        statistic = top * _ratio(ms_modality, scale)
        return ModalityTest(statistic, top, math.inf, float(scipy.stats.chi2.sf(statistic, top)))
    scale = ms_interaction + number * between
    degrees = _degrees(scale, ms_interaction, top * (number - 1))
    statistic = _ratio(ms_modality, scale)
    return ModalityTest(statistic, top, degrees, _f_tail(statistic, top, degrees))


def difference(merits: Merits, first: int, second: int, readers: str = "random", confidence: float = 0.95) -> Estimate:
    """Return the difference of two modalities, first minus second, averaged over readers.

    Only the figures of these two are used, so a third modality, whose variance may differ, does not matter
    (Hillis, 2007). With two modalities this is the usual analysis.

    Args:
        merits: of two or more modalities.
        first: index of one modality.
        second: index of the other.
        readers: as in `modality_test`.
        confidence: of the two-sided interval.

    Returns:
        The difference; its p-value tests for no difference. The bounds are NaN if the standard error is 0.

    Raises:
        InputError: an index or the confidence is out of range, or there is only one random reader.
    """
    values, blocks = _checked(merits)
    if first == second or not {first, second} <= set(range(len(values))):
        raise InputError(f"first, second: expected two of 0 to {len(values) - 1}, got {first} and {second}")
    number = values.shape[1]
    _check_readers(number, readers)
    chosen = [first, second]
    error, cov1, cov2, cov3 = _covariances(blocks[np.ix_(chosen, chosen)])
    between = max(cov2 - cov3, 0.0) if number > 1 else 0.0
    value = float(values[first].mean() - values[second].mean())
    if readers == "fixed":
        return _estimate(value, 2 / number * (error - cov1 + (number - 1) * between), math.inf, 0.0, confidence)
    _, _, ms_interaction = _mean_squares(values[chosen])
    scale = ms_interaction + number * between
    return _estimate(value, 2 / number * scale, _degrees(scale, ms_interaction, number - 1), 0.0, confidence)


def modality_value(
    merits: Merits, modality: int, readers: str = "random", confidence: float = 0.95, tested: float = 0.5
) -> Estimate:
    """Return the figure of merit of one modality, averaged over readers, using only its own figures.

    Args:
        merits: of one or more modalities.
        modality: its index.
        readers: as in `modality_test`.
        confidence: of the two-sided interval, which may exceed the range of the figure.
        tested: the value of the hypothesis behind the p-value.

    Raises:
        InputError: the index or the confidence is out of range, or there is only one random reader.
    """
    values, blocks = _checked(merits)
    if not 0 <= modality < len(values):
        raise InputError(f"modality: expected 0 to {len(values) - 1}, got {modality}")
    number = values.shape[1]
    _check_readers(number, readers)
    error, _, cov2, _ = _covariances(blocks[modality : modality + 1, modality : modality + 1])
    together = max(cov2, 0.0) if number > 1 else 0.0
    value = float(values[modality].mean())
    if readers == "fixed":
        return _estimate(value, (error + (number - 1) * together) / number, math.inf, tested, confidence)
    ms_reader = float(values[modality].var(ddof=1))
    scale = ms_reader + number * together
    return _estimate(value, scale / number, _degrees(scale, ms_reader, number - 1), tested, confidence)


def reader_difference(merits: Merits, reader: int, first: int, second: int, confidence: float = 0.95) -> Estimate:
    """Return the difference of two modalities for one reader, first minus second, by the normal distribution.

    Args:
        merits: of two or more modalities.
        reader: index of the reader.
        first: index of one modality.
        second: index of the other.
        confidence: of the two-sided interval.

    Raises:
        InputError: an index or the confidence is out of range.
    """
    values, _ = _checked(merits)
    if not 0 <= reader < values.shape[1]:
        raise InputError(f"reader: expected 0 to {values.shape[1] - 1}, got {reader}")
    return difference(_one_reader(merits, reader), first, second, "fixed", confidence)


def reader_value(merits: Merits, reader: int, modality: int, confidence: float = 0.95, tested: float = 0.5) -> Estimate:
    """Return the figure of merit of one reader in one modality, by the normal distribution.

    Args:
        merits: of one or more modalities.
        reader: index of the reader.
        modality: index of the modality.
        confidence: of the two-sided interval.
        tested: the value of the hypothesis behind the p-value.

    Raises:
        InputError: as `reader_difference`.
    """
    values, _ = _checked(merits)
    if not 0 <= reader < values.shape[1]:
        raise InputError(f"reader: expected 0 to {values.shape[1] - 1}, got {reader}")
    return modality_value(_one_reader(merits, reader), modality, "fixed", confidence, tested)


def _one_reader(merits: Merits, reader: int) -> Merits:
    modalities, readers = merits.values.shape
    chosen = np.arange(modalities) * readers + reader
    return Merits(merits.values[:, [reader]], merits.covariance[np.ix_(chosen, chosen)])


def _checked(merits: Merits) -> tuple[np.ndarray, np.ndarray]:
    """Return the values (M, R) and the covariance as blocks (M, M, R, R)."""
    values, covariance = np.asarray(merits.values, dtype=float), np.asarray(merits.covariance, dtype=float)
    if values.ndim != 2 or covariance.shape != (values.size, values.size):
        raise InputError(f"merits: expected (M, R) and (M * R, M * R), got {values.shape} and {covariance.shape}")
    if not np.isfinite(values).all() or not np.isfinite(covariance).all():
        raise InputError("merits: expected finite numbers")
    modalities, readers = values.shape
    return values, covariance.reshape(modalities, readers, modalities, readers).transpose(0, 2, 1, 3)


def _check_readers(number: int, readers: str) -> None:
    if readers not in READERS:
        raise InputError(f"readers: {readers!r}; expected one of {', '.join(READERS)}")
    if readers == "random" and number < 2:
        raise InputError("readers: one reader cannot stand for others; expected two or more, or fixed readers")


def _covariances(blocks: np.ndarray) -> tuple[float, float, float, float]:
    """Return the means of the error variances and of cov1, cov2 and cov3; NaN where none exists."""
    modalities, readers = blocks.shape[0], blocks.shape[2]
    same_modality = np.eye(modalities, dtype=bool)[:, :, None, None]
    same_reader = np.eye(readers, dtype=bool)[None, None]

    def mean(chosen: np.ndarray) -> float:
        picked = blocks[np.broadcast_to(chosen, blocks.shape)]
        return float(picked.mean()) if picked.size else math.nan

    return (
        mean(same_modality & same_reader),
        mean(~same_modality & same_reader),
        mean(same_modality & ~same_reader),
        mean(~same_modality & ~same_reader),
    )


def _mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean squares of modalities, readers and their interaction; NaN without degrees of freedom."""
    modalities, readers = values.shape
    by_modality, by_reader, middle = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = values - by_modality[:, None] - by_reader + middle

    def ratio(sum_of_squares: float, degrees: int) -> float:
        return float(sum_of_squares / degrees) if degrees else math.nan

    return (
        ratio(readers * ((by_modality - middle) ** 2).sum(), modalities - 1),
        ratio(modalities * ((by_reader - middle) ** 2).sum(), readers - 1),
        ratio((rest**2).sum(), (modalities - 1) * (readers - 1)),
    )


def _degrees(scale: float, mean_square: float, degrees: int) -> float:
    """Return Hillis's degrees of freedom of a mean square plus covariances."""
    return degrees * (scale / mean_square) ** 2 if mean_square > 0 else math.inf


def _estimate(value: float, variance: float, degrees: float, tested: float, confidence: float) -> Estimate:
    if not 0 < confidence < 1:
        raise InputError(f"confidence: expected a number in (0, 1), got {confidence}")
    error = math.sqrt(max(variance, 0.0))
    if error < 1e-12:  # nothing varied: no interval, not one of width 0
        return Estimate(value, math.nan, math.nan, error, degrees, math.nan)
    law = scipy.stats.norm if math.isinf(degrees) else scipy.stats.t(degrees)
    reach = float(law.isf((1 - confidence) / 2)) * error
    return Estimate(value, value - reach, value + reach, error, degrees, float(2 * law.sf(abs(value - tested) / error)))


def _ratio(over: float, under: float) -> float:
    return over / under if under > 0 else math.nan


def _f_tail(statistic: float, top: int, degrees: float) -> float:
    if math.isinf(degrees):
        return float(scipy.stats.chi2.sf(statistic * top, top))
    return float(scipy.stats.f.sf(statistic, top, degrees))
