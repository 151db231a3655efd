"""Metrics of a binary classifier of malignancy, for one set of cases or many of its resamples at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from vdes.errors import InputError

ECE_BINS = 10

Counts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def classification_metrics(
    malignant: ArrayLike,
    probability: ArrayLike,
    threshold: ArrayLike = 0.5,
    weights: ArrayLike | None = None,
    *,
    prediction: ArrayLike | None = None,
    metrics: Collection[str] | None = None,
) -> dict[str, np.ndarray]:
    """Return the metrics of probabilities and decisions, weighted by how often each resample holds each case.

    A case of weight 2 counts as two equal cases; ties in the probability count as scikit-learn counts them.

    - ``f1``, ``sensitivity``, ``specificity``, ``balanced_accuracy``, ``accuracy``, ``mcc`` (Matthews' correlation; 0
      if all decisions are the same) of the decisions.
    - ``auc``: probability that a malignant case is scored higher than another case (ties count half; Hanley and
      McNeil, Radiology 143(1), 1982).
    - ``pr_auc``: average precision, the sum over thresholds of precision times the gain in recall.
    - ``brier``: mean squared difference of probability and label.
    - ``ece``: expected calibration error in `ECE_BINS` bins of equal width, the last one closed: the mean over cases of
      their bin's distance between mean probability and share of malignant cases (Naeini et al., "Obtaining well
      calibrated probabilities using Bayesian binning", AAAI 2015). It is too large with few cases per bin.
    - ``calibration_in_the_large``: mean probability minus the share of malignant cases.

    Args:
        malignant: labels (N,), 0 or 1.
        probability: probability of malignancy, (N,) in [0, 1].
        threshold: a case at or above it is called malignant: one number, or (N,) if it differs between folds.
        weights: (R, N), 0 or more: how often each of R resamples contains each case; None is every case once, R = 1.
        prediction: decisions (N,), 0 or 1, to use instead of ``threshold``.
        metrics: names of the metrics wanted; None is all, in the order of `METRICS`.

    Returns:
        (R,) values by metric, float64. A metric is NaN in a resample without the cases it needs: ``f1``,
        ``sensitivity`` and ``pr_auc`` need a malignant case, ``specificity`` a case that is not, and
        ``balanced_accuracy``, ``mcc`` and ``auc`` both.

    Raises:
        InputError: shapes differ, values are out of range, there is no case, or a metric is unknown.
    """
    labels, scores = checked_cases(malignant, probability)
    decisions = _decisions(scores, threshold, prediction)
    times = _weights(weights, len(labels))
    wanted = tuple(METRICS if metrics is None else metrics)
    unknown = [name for name in wanted if name not in METRICS]
    if unknown:
        raise InputError(f"metrics: expected some of {', '.join(METRICS)}, got {unknown[0]}")

    values: dict[str, np.ndarray] = {}
    counts: Counts | None = None
    for name in wanted:
        metric = METRICS[name]
        if metric.of_probabilities is not None:
            values[name] = metric.of_probabilities(labels, scores, times)
        if metric.of_decisions is not None:
            counts = counts or _counts(labels, decisions, times)
            values[name] = metric.of_decisions(counts)
    return values


def confusion_cells(labels: np.ndarray, decisions: np.ndarray) -> np.ndarray:
    """Return of each case, from labels (N,) and decisions (N,), both bool, its cell of the table of both.

    Returns:
        (N, 4) float64: 1 for true positives, false positives, false negatives or true negatives, 0 in the others.
    """
    cells = [labels & decisions, ~labels & decisions, labels & ~decisions, ~labels & ~decisions]
    return np.stack(cells, axis=1).astype(float)


def equal_width_bins(probability: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin, 0 to ``bins`` - 1, of each probability (N,); edges belong to the upper bin, but 1 to the last."""
    return np.minimum((probability * bins).astype(int), bins - 1)


def checked_cases(malignant: ArrayLike, probability: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (N,) as bool and probabilities (N,) as float, or raise as `classification_metrics` does."""
    scores = np.asarray(probability, dtype=float)
    if scores.ndim != 1 or scores.size == 0:
        raise InputError(f"probability: expected (N,) with N of 1 or more, got {scores.shape}")
    if not ((scores >= 0) & (scores <= 1)).all():
        case = int(np.argmin((scores >= 0) & (scores <= 1)))
        raise InputError(f"probability: expected values in [0, 1], got {scores[case]} for case {case}")
    return _binary("malignant", malignant, scores.shape), scores


def _decisions(scores: np.ndarray, threshold: ArrayLike, prediction: ArrayLike | None) -> np.ndarray:
    if prediction is not None:
        return _binary("prediction", prediction, scores.shape)
    limits = np.asarray(threshold, dtype=float)
    if limits.shape not in ((), scores.shape) or not np.isfinite(limits).all():
        raise InputError(f"threshold: expected a finite number or {scores.shape} of them, got {limits.shape}")
    return scores >= limits


def _binary(name: str, values: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.shape != shape:
        raise InputError(f"{name} and probability: shapes differ, {array.shape} and {shape}")
    if not np.isin(array, (0, 1)).all():
        case = int(np.argmin(np.isin(array, (0, 1))))
        raise InputError(f"{name}: expected 0 or 1, got {array[case]} for case {case}")
    return array == 1


def _weights(weights: ArrayLike | None, n_cases: int) -> np.ndarray:
    times = np.ones((1, n_cases)) if weights is None else np.asarray(weights, dtype=float)
    if times.ndim != 2 or times.shape[1] != n_cases:
        raise InputError(f"weights: expected (R, {n_cases}), got {times.shape}")
    if times.size and not 0 <= times.min() <= times.max() < np.inf:
        raise InputError("weights: expected finite numbers of 0 or more")
    return times


def _counts(labels: np.ndarray, decisions: np.ndarray, times: np.ndarray) -> Counts:
    """Return true and false positives, false and true negatives, each (R,)."""
    tp, fp, fn, tn = (times @ confusion_cells(labels, decisions)).T
    return tp, fp, fn, tn


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)


def _sensitivity(cells: Counts) -> np.ndarray:
    tp, _, fn, _ = cells
    return _ratio(tp, tp + fn)


def _specificity(cells: Counts) -> np.ndarray:
    _, fp, _, tn = cells
    return _ratio(tn, tn + fp)


def _balanced_accuracy(cells: Counts) -> np.ndarray:
    return (_sensitivity(cells) + _specificity(cells)) / 2


def _accuracy(cells: Counts) -> np.ndarray:
    tp, fp, fn, tn = cells
    return _ratio(tp + tn, tp + fp + fn + tn)


def _f1(cells: Counts) -> np.ndarray:
    tp, fp, fn, _ = cells
    return np.where(tp + fn > 0, _ratio(2 * tp, 2 * tp + fp + fn), np.nan)


def _mcc(cells: Counts) -> np.ndarray:
    tp, fp, fn, tn = cells
    scale = np.sqrt(tp + fp) * np.sqrt(tn + fn) * np.sqrt(tp + fn) * np.sqrt(tn + fp)
    value = np.where(scale > 0, _ratio(tp * tn - fp * fn, scale), 0)
    return np.where((tp + fn > 0) & (tn + fp > 0), value, np.nan)


def _auc(labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> np.ndarray:
    order = np.argsort(scores)
    malignant, others = order[labels[order]], order[~labels[order]]
    weights = times[:, malignant]
    # others with a lower probability than the k lowest: column k; a tie lies halfway between "lower" and "up to"
    lower = np.zeros((len(times), len(others) + 1))
    np.cumsum(times[:, others], axis=1, out=lower[:, 1:])
    left, right = (np.searchsorted(scores[others], scores[malignant], side) for side in ("left", "right"))
    won = np.einsum("rn,rn->r", weights, lower[:, left])
    tied = right > left
    won += np.einsum("rn,rn->r", weights[:, tied], lower[:, right[tied]] - lower[:, left[tied]]) / 2
    return _ratio(won, weights.sum(axis=1) * lower[:, -1])


def _pr_auc(labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> np.ndarray:
    order = np.argsort(-scores)
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    ordered = times[:, order]
    found = np.cumsum(ordered * labels[order], axis=1)[:, ends]
    called = np.cumsum(ordered, axis=1)[:, ends]
    precision = np.divide(found, called, out=np.zeros(found.shape), where=called > 0)
    gained = np.diff(found, axis=1, prepend=0)
    return _ratio(np.einsum("rn,rn->r", precision, gained), found[:, -1])


def _brier(labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> np.ndarray:
    return _ratio(times @ (scores - labels) ** 2, times.sum(axis=1))


def _ece(labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> np.ndarray:
    excess = np.zeros((len(labels), ECE_BINS))
    excess[np.arange(len(labels)), equal_width_bins(scores, ECE_BINS)] = scores - labels
    return _ratio(np.abs(times @ excess).sum(axis=1), times.sum(axis=1))


def _calibration_in_the_large(labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> np.ndarray:
    return _ratio(times @ (scores - labels), times.sum(axis=1))


OfDecisions = Callable[[Counts], np.ndarray]
OfProbabilities = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """All that a study, its tables and its report know of a metric.

    Attributes:
        label: its name as people write it.
        of_decisions: its values from the counts of true and false positives, false and true negatives, each (R,).
        of_probabilities: its values from labels (N,), probabilities (N,) and weights (R, N); of the two functions a
            metric has one.
        more_is_better: False where the best value is 0.
        test: the paired test of `vdes.statistics.paired_tests.PAIRED_TESTS` that goes with it.
        equivalence_margin: the difference up to which two arms are equivalent, for metrics of calibration.
        tabulated: whether it has a row in the table of a model card.
    """

    label: str
    of_decisions: OfDecisions | None = None
    of_probabilities: OfProbabilities | None = None
    more_is_better: bool = True
    test: Literal["mcnemar", "delong"] | None = None
    equivalence_margin: float | None = None
    tabulated: bool = True


# McNemar's test compares decisions, DeLong's areas under the ROC. The margins are our choice, made before any study.
METRICS: dict[str, Metric] = {
    "f1": Metric("F1", of_decisions=_f1, test="mcnemar"),
    "sensitivity": Metric("sensitivity", of_decisions=_sensitivity),
    "specificity": Metric("specificity", of_decisions=_specificity),
    "balanced_accuracy": Metric("balanced accuracy", of_decisions=_balanced_accuracy),
    "accuracy": Metric("accuracy", of_decisions=_accuracy, test="mcnemar", tabulated=False),
    "mcc": Metric("MCC", of_decisions=_mcc),
    "auc": Metric("AUC", of_probabilities=_auc, test="delong"),
    "pr_auc": Metric("PR-AUC", of_probabilities=_pr_auc),
    "brier": Metric("Brier score", of_probabilities=_brier, more_is_better=False, equivalence_margin=0.02),
    "ece": Metric("ECE", of_probabilities=_ece, more_is_better=False, equivalence_margin=0.05),
    "calibration_in_the_large": Metric(
        "calibration in the large",
        of_probabilities=_calibration_in_the_large,
        more_is_better=False,
        equivalence_margin=0.05,
        tabulated=False,
    ),
}
MORE_IS_BETTER = tuple(name for name, metric in METRICS.items() if metric.more_is_better)
EQUIVALENCE_MARGINS = {
    name: metric.equivalence_margin for name, metric in METRICS.items() if metric.equivalence_margin is not None
}
