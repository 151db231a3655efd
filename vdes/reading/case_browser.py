"""The cases in a reader study's report: images, lesions and every reader's marks."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from skimage.measure import approximate_polygon, find_contours
from tqdm import tqdm

from vdes.data.vocabulary import PATHOLOGIES
from vdes.reading import tables
from vdes.reading.frames import KINDS, WHITE, read_frame

MAX_CASES = 60
MAX_HEIGHT = 480
QUALITY = 85
SIMPLIFY_PX = 0.7


@dataclass(frozen=True)
class ReadCase:
    """A case of the report.

    Attributes:
        number: from 1.
        truth: from the plan: ``case``, ``laterality``, ``pathology``, ``malignant``, ``lesion_type``, ``density``.
        views: by view, ``shape`` [rows, columns] of its pictures, ``pictures`` by kind, ``outlines`` of the lesions and
            ``marks`` with ``reader``, ``modality``, ``x``, ``y`` and whether they ``hit``, in the pictures' pixels.
        readings: what readers said, one row per reader and modality.
        split: whether, with one modality, some readers called the case positive and others did not.
    """

    number: int
    truth: Mapping[str, Any]
    views: Mapping[str, Mapping[str, Any]]
    readings: list[dict[str, Any]]
    split: bool


def read_cases(folder: Path, readings: pd.DataFrame, positive: tuple[str, ...]) -> list[ReadCase]:
    """Return the cases that the report shows: those on which readers disagreed first, at most `MAX_CASES`.

    Args:
        folder: of the reader study.
        readings: first readings that were analysed, with ``marks`` and ``hits`` as lists.
        positive: the BI-RADS categories that count as positive.

    Raises:
        InputError: an image cannot be read.
    """
    table = tables.truth_table(folder)
    truth = {row["case"]: row for row in table.astype(object).where(table.notna(), None).to_dict("records")}
    images = tables.images_table(folder)
    found = []
    for case, own in readings.groupby("case", sort=True):
        called = own["birads"].isin(positive).groupby(own["modality"]).mean()
        found.append((str(case), own, bool(((called > 0) & (called < 1)).any())))
    found.sort(key=lambda one: (not one[2], -PATHOLOGIES.index(truth[one[0]]["pathology"])))
    cases = []
    for number, (case, own, split) in enumerate(tqdm(found[:MAX_CASES], "cases", unit="case"), 1):
        views = {
            row["view"]: _view(row, truth[case]["lesions"], own)
            for row in images[images["case"] == case].to_dict("records")
        }
        told = own.drop(columns=["marks", "hits"]).assign(n_marks=own["marks"].map(len))
        said = told.astype(object).where(told.notna(), None)
        cases.append(ReadCase(number, truth[case], views, said.to_dict("records"), split))  # type: ignore[arg-type]
    return cases


def _view(row: Mapping[Any, Any], lesions: list[dict[str, Any]], readings: pd.DataFrame) -> dict[str, Any]:
    rows, columns = int(row["rows"]), int(row["columns"])
    scale = min(1.0, MAX_HEIGHT / rows)
    shape = [round(rows * scale), max(1, round(columns * scale))]
    pictures = {kind: _picture(read_frame(Path(row[kind]), rows, columns), shape) for kind in KINDS}
    marks = [
        {"reader": one["reader"], "modality": one["modality"], "hit": hit}
        | {name: round((mark[name] + 0.5) * scale - 0.5, 1) for name in ("x", "y")}
        for one in readings.to_dict("records")
        for mark, hit in zip(one["marks"], one["hits"], strict=True)
        if mark["view"] == row["view"]
    ]
    masks = {one["mask"] for one in lesions if one["view"] == row["view"]}
    outlines = [ring for mask in masks for ring in _outlines(mask, scale)]
    return {"shape": shape, "pictures": pictures, "outlines": outlines, "marks": marks}


def _picture(frame: np.ndarray, shape: list[int]) -> str:
    grey = Image.fromarray(np.rint(frame.astype(np.float32) * (255 / WHITE)).astype(np.uint8))
    if list(frame.shape) != shape:
        grey = grey.resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    grey.save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _outlines(mask: str, scale: float) -> list[list[list[float]]]:
    with Image.open(mask) as opened:
        inside = np.pad(np.asarray(opened) > 0, 1)
    rings = []
    for contour in find_contours(inside.astype(float), 0.5):
        y, x = (approximate_polygon(contour, SIMPLIFY_PX / scale) - 0.5).T * scale - 0.5
        rings.append(np.round(np.stack([x, y], axis=1), 1).tolist())
    return rings
