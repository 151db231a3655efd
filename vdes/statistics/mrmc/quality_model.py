"""Image quality scores in a mixed model with fixed modalities and random readers and cases."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy.stats

from vdes.errors import InputError

COLUMNS = ["modality", "statistic", "value", "low", "high", "standard_error", "p_value"]


def quality_model(scores: pd.DataFrame, reference: str, confidence: float = 0.95) -> pd.DataFrame:
    """Return the mean score of each modality and its difference from a reference.

    ``score = modality + reader + case + error``, with crossed, normal readers and cases, fitted by restricted
    maximum likelihood (statsmodels' `MixedLM`). The ordinal scores are treated as interval data. With few readers
    the intervals, which use the normal distribution, are somewhat too narrow.

    Args:
        scores: one row per score, with ``reader``, ``case``, ``modality`` and ``quality``.
        reference: the modality that the others are compared with.
        confidence: of the two-sided intervals.

    Returns:
        One row per modality and ``statistic`` (``value``, ``difference`` from the reference) with ``value``, ``low``,
        ``high``, ``standard_error`` and ``p_value`` (differences only). If the model cannot be fitted because
        nothing varies, only the means are given.

    Raises:
        InputError: a column or the reference's scores are missing, or the confidence is out of range.
    """
    missing = [name for name in ("reader", "case", "modality", "quality") if name not in scores]
    if missing:
        raise InputError(f"quality: no column `{missing[0]}`")
    if not 0 < confidence < 1:
        raise InputError(f"confidence: expected a number in (0, 1), got {confidence}")
    modalities = [reference, *sorted(set(scores["modality"]) - {reference})]
    if reference not in set(scores["modality"]):
        raise InputError(f"quality: no score of the reference {reference}")
    fitted = _fit(scores, modalities)
    if fitted is None:
        means = scores.groupby("modality")["quality"].mean()
        rows = [_row(name, "value", means[name], np.nan, confidence) for name in modalities]
        rows += [
            _row(name, "difference", means[name] - means[reference], np.nan, confidence) for name in modalities[1:]
        ]
        return pd.DataFrame(rows, columns=COLUMNS)
    effects, covariance = fitted
    rows = []
    for index, name in enumerate(modalities):
        contrast = np.zeros(len(modalities))
        contrast[[0, index]] = 1
        for statistic in ("value", "difference") if index else ("value",):
            if statistic == "difference":
                contrast[0] = 0
            error = float(np.sqrt(contrast @ covariance @ contrast))
            rows.append(_row(name, statistic, float(contrast @ effects), error, confidence))
    return pd.DataFrame(rows, columns=COLUMNS)


def _fit(scores: pd.DataFrame, modalities: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the effects, with the reference as intercept, and their covariance; None if the fit fails."""
    from statsmodels.regression.mixed_linear_model import MixedLM  # imported here because it takes a second

    if scores["quality"].nunique() < 2 or scores[["reader", "case"]].nunique().min() < 2:
        return None
    design = np.column_stack(
        [np.ones(len(scores)), *((scores["modality"] == name).to_numpy(dtype=float) for name in modalities[1:])]
    )
    random = {name: pd.get_dummies(scores[name]).to_numpy(dtype=float) for name in ("reader", "case")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a variance of 0 is a valid result
            model = MixedLM(
                scores["quality"].to_numpy(dtype=float),
                design,
                groups=np.zeros(len(scores)),
                exog_vc=_components(random, scores),
            )
            result = model.fit(reml=True)
    except np.linalg.LinAlgError:
        return None
    effects = np.asarray(result.fe_params)
    covariance = np.asarray(result.cov_params())[: len(effects), : len(effects)]
    return (effects, covariance) if np.isfinite(covariance).all() else None


def _components(random: dict[str, np.ndarray], scores: pd.DataFrame) -> object:
    from statsmodels.regression.mixed_linear_model import VCSpec

    names = list(random)
    columns = [[[f"{name}[{value}]" for value in sorted(scores[name].unique())]] for name in names]
    return VCSpec(names, columns, [[random[name]] for name in names])


def _row(
    modality: str, statistic: str, value: float, error: float, confidence: float
) -> tuple[str, str, float, float, float, float, float]:
    reach = float(scipy.stats.norm.isf((1 - confidence) / 2)) * error
    p_value = float(2 * scipy.stats.norm.sf(abs(value) / error)) if statistic == "difference" and error > 0 else np.nan
    return modality, statistic, value, value - reach, value + reach, error, p_value
