"""The temperature and the operating threshold of each level of a classifier, from validation."""

from __future__ import annotations

import logging

import pandas as pd

from vdes.data.vocabulary import LEVELS
from vdes.metrics.level_predictions import with_probabilities
from vdes.statistics.operating_threshold import best_f1_threshold
from vdes.statistics.temperature import fitted_temperature

logger = logging.getLogger(__name__)


def level_calibration(table: pd.DataFrame) -> tuple[list[float], list[float]]:
    """Fit the temperature and the threshold of each level on predictions of validation cases.

    Temperatures are fitted first (`fitted_temperature`); thresholds are those of the best F1 of the calibrated
    probabilities (`best_f1_threshold`). A level with cases of one class only keeps 1 and 0.5.

    Args:
        table: table of `vdes.metrics.level_predictions.level_predictions`, of validation cases only.

    Returns:
        Temperatures and thresholds, each in the order of `LEVELS`.

    """
    temperatures, thresholds = [1.0] * len(LEVELS), [0.5] * len(LEVELS)
    for i, level in enumerate(LEVELS):
        known = table[(table["level"] == level) & table["malignant"].notna()]
        if known["malignant"].nunique() < 2:
            logger.warning("%s: one class only in validation, not calibrated", level)
            continue
        temperatures[i] = fitted_temperature(known["logit"], known["malignant"])
        thresholds[i] = best_f1_threshold(
            with_probabilities(known, temperatures, thresholds)["probability"], known["malignant"]
        )
    return temperatures, thresholds
