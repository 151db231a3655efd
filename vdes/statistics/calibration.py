"""Calibration of probabilities of malignancy, and its equivalence in two arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.special
import scipy.stats
import statsmodels.api as sm
from numpy.typing import ArrayLike

from vdes.errors import InputError
from vdes.statistics.bootstrap import Interval
from vdes.statistics.classification_metrics import ECE_BINS, checked_cases, equal_width_bins
from vdes.statistics.paired_bootstrap import paired_bootstrap

CLIP = 1e-6  # nearest that a probability comes to 0 and 1 where its logit is taken
CURVE_COLUMNS = ["from", "to", "mean_probability", "malignant_share", "low", "high", "cases", "positives"]
EQUIVALENCE_COLUMNS = ["arm", "metric", "value", "low", "high", "margin", "verdict"]


class Recalibration(NamedTuple):
    """The logistic recalibration of probabilities; good calibration has slope 1 and intercept 0."""

    slope: Interval
    intercept: Interval


def reliability_curve(
    malignant: ArrayLike, probability: ArrayLike, bins: int = ECE_BINS, level: float = 0.95
) -> pd.DataFrame:
    """Return the share of malignant cases against the mean probability, in bins of equal width.

    The intervals are Wilson's (Journal of the American Statistical Association 22(158), 1927); they treat cases as
    independent, so with several cases per patient they are too narrow.

    Args:
        malignant: labels (N,), 0 or 1.
        probability: of malignancy, (N,) in [0, 1].
        bins: number of bins between 0 and 1; an edge belongs to the upper bin, 1 to the last.
        level: level of the intervals.

    Returns:
        One row for each bin with cases: its edges ``from`` and ``to``, ``mean_probability``, ``malignant_share`` with
        ``low`` and ``high``, ``cases`` and malignant cases (``positives``).

    Raises:
        InputError: shapes differ, there is no case, or values, bins or the level are out of range.
    """
    labels, values = checked_cases(malignant, probability)
    if bins < 1 or not 0 < level < 1:
        raise InputError(f"bins, level: expected 1 or more and a number in (0, 1), got {bins} and {level}")
    rows = []
    found = equal_width_bins(values, bins)
    for number in np.unique(found):
        inside = found == number
        cases, positives = int(inside.sum()), int(labels[inside].sum())
        interval = scipy.stats.binomtest(positives, cases).proportion_ci(level, method="wilson")
        edges = (number / bins, (number + 1) / bins)
        share = positives / cases
        rows.append((*edges, values[inside].mean(), share, interval.low, interval.high, cases, positives))
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def logistic_recalibration(
    malignant: ArrayLike, probability: ArrayLike, patients: ArrayLike, level: float = 0.95
) -> Recalibration:
    """Return slope and intercept of the logistic recalibration, with intervals from whole patients.

    The slope is that of ``logit P(malignant) = a + slope * logit(probability)``: below 1 the probabilities are too
    extreme, above 1 too moderate. The intercept is that of the same model with the slope fixed at 1: below 0 the
    probabilities are too high overall, above 0 too low (Cox, Biometrika 45(3-4), 1958; Van Calster et al.,
    "Calibration: the Achilles heel of predictive analytics", BMC Medicine 17, 2019). The intervals are Wald's, with a
    variance that is robust to the correlation of a patient's cases (Liang and Zeger, Biometrika 73(1), 1986).

    Args:
        malignant: labels (N,), 0 or 1, both of them.
        probability: probability of malignancy, (N,) in [0, 1]; clipped to a distance of `CLIP` from 0 and 1.
        patients: (N,) the patient of each case, two or more.
        level: level of the two-sided intervals.

    Returns:
        Slope and intercept. The slope and its bounds are NaN if the probabilities separate the classes or are all
        equal, because it is undefined then.

    Raises:
        InputError: shapes differ, values or the level are out of range, or there is one class or one patient only.
    """
    labels, values = checked_cases(malignant, probability)
    codes, names = pd.factorize(pd.Series(patients))
    if codes.shape != labels.shape or (codes < 0).any() or len(names) < 2:
        raise InputError(f"patients: expected {labels.shape} of them, none missing and two or more different")
    if labels.all() or not labels.any():
        raise InputError("malignant: expected both 0 and 1")
    if not 0 < level < 1:
        raise InputError(f"level: expected a number in (0, 1), got {level}")
    logits = scipy.special.logit(values.clip(CLIP, 1 - CLIP))

    def fitted(columns: np.ndarray, offset: np.ndarray | None) -> Interval:
        """Return the coefficient of the last column."""
        model = sm.GLM(labels.astype(float), columns, family=sm.families.Binomial(), offset=offset)
        result = model.fit(cov_type="cluster", cov_kwds={"groups": codes})
        low, high = result.conf_int(alpha=1 - level)[-1]
        return Interval(float(result.params[-1]), float(low), float(high))

    ones = np.ones((len(labels), 1))
    others, positives = logits[~labels], logits[labels]
    if others.max() <= positives.min() or positives.max() <= others.min():
        slope = Interval(np.nan, np.nan, np.nan)
    else:
        slope = fitted(np.column_stack([ones, logits]), None)
    return Recalibration(slope, fitted(ones, logits))


def calibration_equivalence(
    arms: Mapping[str, pd.DataFrame],
    reference: str,
    margins: Mapping[str, float],
    alpha: float = 0.05,
    n_resamples: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Decide for every arm whether its calibration is equivalent to a reference arm's, within margins fixed in advance.

    Two one-sided tests at ``alpha``: equivalent if the ``1 - 2 * alpha`` interval of the paired difference lies within
    plus and minus the margin (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15(6), 1987).

    Args:
        arms: as in `vdes.statistics.paired_bootstrap.paired_bootstrap`.
        reference: name of the arm that the others are compared with.
        margins: above 0, by metric of `vdes.statistics.classification_metrics.METRICS`, such as ``brier``, ``ece`` and
            ``calibration_in_the_large``.
        alpha: level of each of the two tests, in (0, .5).
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap.

    Returns:
        One row for each metric and arm other than the reference: the difference (arm minus reference) ``value`` with
        ``low`` and ``high``, the ``margin`` and the ``verdict``: ``equivalent``, ``different`` (the interval lies
        beyond the margin) or ``inconclusive`` (otherwise, also for an undefined interval).

    Raises:
        InputError: a margin or alpha is out of range, or as `paired_bootstrap`.
    """
    if not margins or not all(0 < margin < np.inf for margin in margins.values()):
        raise InputError(f"margins: expected numbers above 0 by metric, got {dict(margins)}")
    if not 0 < alpha < 0.5:
        raise InputError(f"alpha: expected a number in (0, 0.5), got {alpha}")
    table = paired_bootstrap(arms, reference, tuple(margins), n_resamples, seed, 1 - 2 * alpha)
    table = table[table["statistic"] == "difference"].reset_index(drop=True)
    margin = table["metric"].map(dict(margins))
    within = (table["low"] > -margin) & (table["high"] < margin)
    beyond = (table["low"] > margin) | (table["high"] < -margin)
    verdict = np.select([within, beyond], ["equivalent", "different"], "inconclusive")
    return table.assign(margin=margin, verdict=verdict)[EQUIVALENCE_COLUMNS]
