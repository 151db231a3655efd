"""Predictions of images, breasts and examinations, from the outputs of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from vdes.data.levels import LEVEL_FIELDS
from vdes.data.vocabulary import LEVELS, MODALITIES
from vdes.networks.lesion_classifier import malignancy_logit
from vdes.networks.view_pooling import pooled_logits

COLUMNS = ["level", "case", "patient", "laterality", "malignant", "logit", "inputs"]


def case_row(case: dict[str, Any], key: str = "pred") -> dict[str, Any]:
    """Return the row of one case for the predictions: its fields of `vdes.data.levels`, its output and its inputs.

    Args:
        case: has ``image`` ``(2, H, W)``, with NaN for an absent input, and the network's output ``(C + 2,)``.
        key: key of the output.

    """
    # a joint network's image is low energy alone
    channels = zip(MODALITIES, case["image"], strict=False)
    present = [name for name, channel in channels if not bool(channel[0, 0].isnan())]
    fields = {name: case[name] for name in LEVEL_FIELDS if name in case}
    return {**fields, "malignant": float(case["malignant"]), "pred": case[key].float().cpu(), "inputs": present}


def level_predictions(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the logits of all images, breasts and examinations.

    Args:
        rows: rows of `case_row`, one per image.

    Returns:
        ``level``, ``case`` (the image's case, or the name of the breast or the examination), ``patient``,
        ``laterality`` (empty for an examination), ``malignant`` (0, 1, or NaN if unknown; for a breast or examination 1
        if one of its images is malignant, 0 if none is), ``logit`` of malignant against the rest before calibration,
        and ``inputs``, such as ``low_energy+des``. Images without a laterality have no row for the breast, and those
        without a patient none for the examination either.

    """
    images = pd.DataFrame([{key: value for key, value in row.items() if key != "pred"} for row in rows])
    images["malignant"] = images["malignant"].astype(float)
    breast, _ = pd.factorize(images["breast"])
    examination, _ = pd.factorize(images["examination"])
    output = torch.stack([row["pred"] for row in rows])
    logits = pooled_logits(output, torch.from_numpy(breast), torch.from_numpy(examination))
    tables = []
    for level, group in zip(LEVELS, (np.arange(len(images)), breast, examination), strict=True):
        table = images.groupby(group).agg(
            case=("case" if level == "image" else level, "first"),
            patient=("patient", "first"),
            laterality=("laterality", "first"),
            malignant=("malignant", _worst),
            inputs=("inputs", lambda lists: "+".join(name for name in MODALITIES if any(name in x for x in lists))),
        )
        table["level"] = level
        table["logit"] = malignancy_logit(logits[level]).double().numpy()
        known = (table["patient"] != "") & ((table["laterality"] != "") | (level == "examination"))
        if level == "examination":
            table["laterality"] = ""
        tables.append(table if level == "image" else table[known])
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def with_probabilities(table: pd.DataFrame, temperature: Sequence[float], threshold: Sequence[float]) -> pd.DataFrame:
    """Return the table with the calibrated ``probability``, the ``threshold``, and the ``prediction`` 0 or 1.

    Args:
        table: of `level_predictions`.
        temperature: of each of `LEVELS`.
        threshold: of each of `LEVELS`.

    """
    place = table["level"].map({level: i for i, level in enumerate(LEVELS)}).to_numpy()
    logit = table["logit"].to_numpy() / np.asarray(temperature, dtype=float)[place]
    probability = expit(logit)
    limit = np.asarray(threshold, dtype=float)[place]
    return table.assign(probability=probability, threshold=limit, prediction=(probability >= limit).astype(int))


def _worst(malignant: pd.Series) -> float:
    """Return 1 where one is 1, and otherwise 0 only if all are known."""
    return 1.0 if (malignant == 1).any() else float(malignant.max(skipna=False))
