"""The predictions of an arm, from which all figures of the study are computed."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pandas as pd
from scipy.special import logit

from vdes.data.vocabulary import LEVELS
from vdes.errors import InputError
from vdes.handlers.level_calibration import level_calibration
from vdes.metrics.level_predictions import with_probabilities

CLIP = 1e-6  # smallest distance of a probability from 0 and 1 for its logit
WANTED = ("level", "case", "patient", "laterality", "malignant")


def read_predictions(file: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a classifier's table of predictions.

    Returns:
        The table of `vdes.handlers.predictions_handler.PredictionsHandler`. If another classifier provides no
        ``logit``, it is computed from ``probability``.

    Raises:
        InputError: the file is missing, is not a table or lacks a column.

    """
    if not Path(file).is_file():
        raise InputError(f"{file}: no such file; expected the predictions of a classifier")
    try:
        table = pd.read_csv(
            file,
            keep_default_na=False,
            na_values={"malignant": ""},
            dtype={"case": str, "patient": str, "laterality": str},
        )
    except ValueError as error:
        raise InputError(f"{file}: not a table of predictions ({error})") from error
    missing = [name for name in WANTED if name not in table]
    if "logit" not in table:
        if "probability" not in table:
            missing.append("probability")
        else:
            table["logit"] = logit(table["probability"].clip(CLIP, 1 - CLIP))
    if missing:
        raise InputError(f"{file}: no column `{missing[0]}`; expected the predictions of a classifier")
    if not table["level"].isin(LEVELS).all():
        raise InputError(f"{file}: `level`: expected {', '.join(LEVELS)}")
    return table


def test_predictions(table: pd.DataFrame, validation: Collection[str], test: Collection[str]) -> pd.DataFrame:
    """Return the predictions of the test patients, with temperatures and thresholds from the validation patients.

    Every arm has its own temperatures and thresholds, from its own validation images, as a clinic that used such images
    would choose them. They are chosen on validation patients only.

    Args:
        table: table of `read_predictions`, with the patients of both.
        validation: the validation patients.
        test: the test patients.

    """
    temperatures, thresholds = level_calibration(table[table["patient"].isin(validation)])
    found = table[table["patient"].isin(test)].reset_index(drop=True)
    return with_probabilities(found, temperatures, thresholds)
