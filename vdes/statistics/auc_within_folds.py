"""The mean of the areas under the ROC curve within the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vdes.data.vocabulary import LEVELS
from vdes.statistics.bootstrap import percentile_interval
from vdes.statistics.predictions import known_cases
from vdes.statistics.resampled_metrics import resampled_metrics


def auc_within_folds(
    folds: Sequence[pd.DataFrame], n_resamples: int = 2000, seed: int = 0, confidence: float = 0.95
) -> pd.DataFrame:
    """Return for each level the mean over folds of the AUC, with its patient-bootstrap interval.

    Each fold has its own network, and their probabilities are on the same scale only if they are calibrated. An AUC of
    the pooled cases of all folds compares cases of different networks; this one does not (Forman and Scholz, "Apples
    to apples in cross-validation studies", SIGKDD Explorations 12:49, 2010). Patients are resampled within their fold,
    each with all cases.

    Args:
        folds: predictions of each fold's test patients, as in `vdes.statistics.predictions.known_cases`, with
            ``level``.
        n_resamples: number of bootstrap samples.
        seed: seed of the bootstrap; fold k uses ``seed + k``.
        confidence: level of the two-sided percentile interval.

    Returns:
        One row for each level that all folds have: ``level``, ``value``, ``low``, ``high``, ``cases`` and ``patients``.
        NaN if a fold has one class only.

    Raises:
        InputError: as `known_cases`.
    """
    rows = []
    for level in LEVELS:
        tables = [known_cases(fold[fold["level"] == level], f"fold {k}") for k, fold in enumerate(folds)]
        if any(table.empty for table in tables):
            continue
        found = [resampled_metrics({"fold": table}, ("auc",), n_resamples, seed + k) for k, table in enumerate(tables)]
        value = float(np.mean([values["fold", "auc"] for values, _ in found]))
        drawn = np.mean([resampled["fold", "auc"] for _, resampled in found], axis=0)
        interval = percentile_interval(value, drawn, confidence)
        cases, patients = (
            sum(counts) for counts in zip(*((len(t), t["patient"].nunique()) for t in tables), strict=True)
        )
        rows.append({"level": level, **interval._asdict(), "cases": cases, "patients": patients})
    return pd.DataFrame(rows)
