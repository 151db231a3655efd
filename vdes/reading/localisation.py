"""Where readers marked: on a lesion or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from vdes.errors import InputError
from vdes.statistics.bootstrap import cluster_bootstrap_ratio

UNKNOWN_SIZE = 0.01  # of the longer side of a lesion's mask: the tolerance if the pixel size is unknown


def located_readings(
    readings: pd.DataFrame,
    truth: pd.DataFrame,
    pixel_size_mm: Mapping[tuple[str, str], float],
    tolerance_mm: float,
) -> pd.DataFrame:
    """Return which lesions the marks of each reading hit.

    A mark hits a lesion of its view if it lies on the lesion's mask (or its box where there is no mask) or within the
    tolerance of it: a click is not an outline. The two views show the same lesions, so a lesion counts as
    found if it was marked in either; the number of lesions in a breast is that of the view that shows more.

    Args:
        readings: with ``case`` and ``marks``, a list of ``view``, ``x``, ``y`` in pixels.
        truth: with ``case`` and ``lesions``, a list of ``view``, ``box`` [x0, y0, x1, y1] and ``mask`` (the path of a
            image that is not 0 on lesions; None if there is only a box).
        pixel_size_mm: by case and view; if missing, the tolerance is `UNKNOWN_SIZE` of the mask's longer side, or 0
            if there is only a box.
        tolerance_mm: 0 or more.

    Returns:
        In the order of the readings: ``lesions`` of the breast, how many were ``found``, ``false_marks`` that lie on
        none, ``located``, whether at least one was found, and ``hits``, a list of whether each mark lies on one.

    Raises:
        InputError: the tolerance is below 0, or a mask cannot be read.
    """
    if not tolerance_mm >= 0:
        raise InputError(f"tolerance_mm: {tolerance_mm}; expected 0 or more")
    lesions = dict(zip(truth["case"], truth["lesions"], strict=True))
    rows = []
    for case, marks in tqdm(
        zip(readings["case"], readings["marks"], strict=True), "marks", len(readings), unit="reading"
    ):
        there: dict[str, list[Mapping[str, Any]]] = {}
        for lesion in lesions[case]:
            there.setdefault(lesion["view"], []).append(lesion)
        found: dict[str, set[int]] = {}
        hits = []
        for mark in marks:
            view = mark["view"]
            hit = [
                number
                for number, lesion in enumerate(there.get(view, ()))
                if _on(mark, lesion, tolerance_mm, pixel_size_mm.get((case, view)))
            ]
            found.setdefault(view, set()).update(hit)
            hits.append(bool(hit))
        number = max((len(found_in) for found_in in found.values()), default=0)
        rows.append((max((len(one) for one in there.values()), default=0), number, hits.count(False), number > 0, hits))
    return pd.DataFrame(rows, columns=["lesions", "found", "false_marks", "located", "hits"], index=readings.index)


def _on(mark: Mapping[str, Any], lesion: Mapping[str, Any], tolerance_mm: float, pixel_size_mm: float | None) -> bool:
    """Tell whether a mark lies on a lesion, or near enough."""
    x0, y0, x1, y1 = lesion["box"]
    place = np.array([mark["y"], mark["x"]], dtype=float)
    if lesion.get("mask") is None:
        reach = tolerance_mm / pixel_size_mm if pixel_size_mm else 0.0
        nearest = np.clip(place, [y0, x0], [y1, x1])
        return bool(np.hypot(*(place - nearest)) <= reach)
    shape, pixels = _pixels(str(lesion["mask"]), (x0, y0, x1, y1))
    reach = tolerance_mm / pixel_size_mm if pixel_size_mm else UNKNOWN_SIZE * max(shape)
    if not len(pixels):
        return False
    # coordinates are of pixel centres; half a pixel to each side is still the pixel itself
    return bool(np.hypot(*(pixels - place).T).min() <= reach + 0.5)


@lru_cache(maxsize=4096)
def _pixels(mask: str, box: tuple[float, ...]) -> tuple[tuple[int, int], np.ndarray]:
    """Return a mask's shape and the rows and columns (K, 2) of its lesion in a box."""
    try:
        with Image.open(mask) as opened:
            image = np.asarray(opened)
    except OSError as error:
        raise InputError(f"{mask}: cannot be read; expected the mask of a lesion") from error
    image = image if image.ndim == 2 else image[..., 0]
    x0, y0, x1, y1 = (round(value) for value in box)
    inside = np.argwhere(image[y0 : y1 + 1, x0 : x1 + 1] > 0) + np.array([y0, x0])
    return image.shape, inside


def false_mark_rows(
    readings: pd.DataFrame, truth: pd.DataFrame, n_resamples: int = 2000, seed: int = 0, confidence: float = 0.95
) -> list[dict[str, Any]]:
    """Return how often lesions were found, and the number of false marks per breast.

    Marks in breasts without a lesion are also counted separately: in DES, these are lesions that readers believed.

    Args:
        readings: first readings, with ``modality``, ``case``, ``patient`` and the columns of `located_readings`.
        truth: ``case`` and ``malignant``.
        n_resamples: bootstrap samples of patients.
        seed: of the bootstrap.
        confidence: of the intervals.

    Returns:
        One row per modality and ``measure``: ``malignant lesions found`` and ``benign lesions found`` (shares),
        ``false marks`` per breast, and ``false marks without lesion`` (per lesion-free breast), with ``value``,
        ``low``, ``high`` and the number of ``readings`` behind it.
    """
    malignant = readings["case"].isin(truth.loc[truth["malignant"] == 1, "case"])
    lesion = readings["lesions"] > 0
    measures = {
        "malignant lesions found": (lesion & malignant, "found", "lesions"),
        "benign lesions found": (lesion & ~malignant, "found", "lesions"),
        "false marks": (lesion | ~lesion, "false_marks", None),
        "false marks without lesion": (~lesion, "false_marks", None),
    }
    rows = []
    for modality in readings["modality"].unique():
        for measure, (chosen, over, under) in measures.items():
            part = readings[chosen & (readings["modality"] == modality)]
            if part.empty:
                continue
            weights = np.ones(len(part)) if under is None else part[under]
            found = cluster_bootstrap_ratio(part[over], weights, part["patient"], n_resamples, seed, confidence)
            rows.append(
                {"modality": modality, "measure": measure}
                | {name: None if np.isnan(value) else float(value) for name, value in found._asdict().items()}
                | {"readings": len(part)}
            )
    return rows
