"""The predictions of an arm, stored once: every figure of the study derives from them."""

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

CLIP = 1e-6  # nearest that a probability comes to 0 and 1 where its logit is taken
WANTED = ("level", "case", "patient", "laterality", "malignant")


def read_predictions(file: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a classifier's table of predictions.

    Returns:
        The table of `vdes.handlers.predictions_handler.PredictionsHandler`; ``logit`` is taken from ``probability``
        where a classifier of others has none.

    Raises:
        InputError: the file is missing, no table or lacks a column.

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
    """Return the predictions of the test patients, calibrated and decided by what the validation patients tell.

    Every arm has its own temperatures and thresholds, of its own validation images: what a clinic that used such images
    would set. They are chosen on validation patients only.

    Args:
        table: of `read_predictions`, of both.
        validation: the validation patients.
        test: the test patients.

    """
    temperatures, thresholds = level_calibration(table[table["patient"].isin(validation)])
    found = table[table["patient"].isin(test)].reset_index(drop=True)
    return with_probabilities(found, temperatures, thresholds)
