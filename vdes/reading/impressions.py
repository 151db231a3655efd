"""Readers' impressions of the images: forced choice, quality, missing, distorted or invented features, time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vdes.reading.question import ReadingQuestion
from vdes.statistics.bootstrap import cluster_bootstrap_mean
from vdes.statistics.mrmc.forced_choice import choices_of_all, reader_choices
from vdes.statistics.mrmc.quality_model import quality_model

Rows = list[dict[str, Any]]
FEATURES = ("missing", "distorted", "invented")
ALL_READERS = "all"
LESION_FREE = "lesion-free"


def choice_rows(choices: pd.DataFrame, question: ReadingQuestion) -> Rows:
    """Return how often readers identified the real DES image.

    Args:
        choices: ``reader``, ``case`` and ``chosen_real`` (0 or 1).
        question: confidence, and whether readers are random.

    Returns:
        One row per reader (exact interval and test), and one for `ALL_READERS` over the cases that all of them judged:
        ``reader``, ``right``, ``cases``, ``value``, ``low``, ``high``, ``p_value`` against guessing.
    """
    if choices.empty:
        return []
    rows: Rows = []
    table = choices.pivot(index="reader", columns="case", values="chosen_real")
    for reader, said in table.iterrows():
        found = reader_choices(said.dropna(), question.confidence)
        rows.append(
            {"reader": str(reader), "right": found.right, "cases": found.cases}
            | {**found.share._asdict(), "p_value": found.p_value}
        )
    common = table.dropna(axis="columns")
    if common.shape[1] >= 2 and (len(common) >= 2 or question.readers == "fixed"):
        answers = common.to_numpy(dtype=float)
        of_all = choices_of_all(answers, question.readers, question.confidence)
        rows.append(
            {"reader": ALL_READERS, "right": int(answers.sum()), "cases": answers.shape[1], "value": of_all.value}
            | {"low": _known(max(of_all.low, 0.0)), "high": _known(min(of_all.high, 1.0))}
            | {"p_value": _known(of_all.p_value)}
        )
    return rows


def quality_rows(quality: pd.DataFrame, question: ReadingQuestion) -> Rows:
    """Return each modality's mean score and its difference from the reference, by the mixed model.

    Args:
        quality: ``reader``, ``case``, ``modality`` and ``quality`` (1 to 5).
        question: the reference and the confidence.
    """
    if quality.empty or question.reference not in set(quality["modality"]):
        return []
    found = quality_model(quality, question.reference, question.confidence)
    return [
        {str(key): _known(value) if isinstance(value, float) else value for key, value in row.items()}
        for row in found.to_dict("records")
    ]


def feature_rows(
    readings: pd.DataFrame, truth: pd.DataFrame, n_resamples: int = 2000, seed: int = 0, confidence: float = 0.95
) -> Rows:
    """Return how often readers found something missing, distorted or invented, by modality and lesion type.

    Args:
        readings: first readings with ``case``, ``patient``, ``modality`` and `FEATURES` (0, 1, or None if not asked).
        truth: ``case`` and ``lesion_type``, which is None without a lesion.
        n_resamples: bootstrap samples of patients.
        seed: of the bootstrap.
        confidence: of the intervals.

    Returns:
        One row per feature, modality and ``lesion_type`` (``all`` first): ``value``, ``low``, ``high`` of the share of
        readings, and the number of ``readings`` and ``cases``.
    """
    types = dict(zip(truth["case"], truth["lesion_type"].fillna(LESION_FREE), strict=True))
    typed = readings.assign(lesion_type=readings["case"].map(types))
    rows: Rows = []
    for feature in FEATURES:
        if feature not in typed:
            continue
        known = typed[typed[feature].notna()]
        for modality, part in known.groupby("modality", sort=False):
            groups = [("all", part), *part.groupby("lesion_type")]
            for lesion_type, group in groups:
                found = cluster_bootstrap_mean(
                    group[feature].astype(float), group["patient"], n_resamples, seed, confidence
                )
                rows.append(
                    {"feature": feature, "modality": modality, "lesion_type": lesion_type}
                    | {name: _known(value) for name, value in found._asdict().items()}
                    | {"readings": len(group), "cases": int(group["case"].nunique())}
                )
    return rows


def time_rows(readings: pd.DataFrame) -> Rows:
    """Return the median time of a reading in seconds and its quartiles, by modality."""
    if "seconds" not in readings:
        return []
    rows: Rows = []
    for modality, part in readings.groupby("modality", sort=False):
        low, middle, high = part["seconds"].astype(float).quantile([0.25, 0.5, 0.75])
        rows.append(
            {"modality": modality, "median": float(middle), "lower_quartile": float(low), "upper_quartile": float(high)}
        )
    return rows


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
