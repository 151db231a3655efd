"""Where in the breast virtual and real DES disagree, summed over cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vdes.data.vocabulary import VIEWS

FRAME = (128, 96)  # every breast's bounding box is stretched to these rows and columns
SUMS = ("signed", "absolute", "weight")  # maps (*FRAME)
COUNTS = ("cases", "patients")


def disagreement(case: Mapping[str, Any], key: str) -> dict[str, np.ndarray]:
    """Return a case's maps in the common frame: chest wall at the left, bounding box stretched to `FRAME`.

    Args:
        case: a case of `vdes.study.aligned_images.AlignedImages`.
        key: key of the virtual DES image.

    Returns:
        `SUMS`, float32: virtual minus real and its absolute value, both 0 outside the breast, and the share of each
        pixel that is breast.
    """
    rows, columns = case["content"]
    inside = (case["breast_mask"][0] > 0).float()
    signed = (case[key][0] - case["des"][0]) * inside
    return {
        name: np.asarray(
            Image.fromarray(values[:rows, :columns].numpy()).resize(FRAME[::-1], Image.Resampling.BILINEAR)
        )
        for name, values in zip(SUMS, (signed, signed.abs(), inside), strict=True)
    }


class DisagreementSums:
    """Sums of `disagreement` over the cases of each view."""

    def __init__(self) -> None:
        self.sums = {view: {name: np.zeros(FRAME) for name in SUMS} for view in VIEWS}
        self.cases = dict.fromkeys(VIEWS, 0)
        self.patients: dict[str, set[str]] = {view: set() for view in VIEWS}

    def add(self, view: str, patient: str, maps: Mapping[str, np.ndarray]) -> None:
        """Add a case."""
        for name in SUMS:
            self.sums[view][name] += maps[name]
        self.cases[view] += 1
        self.patients[view].add(patient)

    def save(self, file: Path) -> None:
        """Write ``<view>_<name>`` of `SUMS` and `COUNTS` for each view, as npz."""
        counts = {view: {"cases": self.cases[view], "patients": len(self.patients[view])} for view in VIEWS}
        arrays = {
            f"{view}_{name}": np.asarray(values)
            for view in VIEWS
            for name, values in (self.sums[view] | counts[view]).items()
        }
        np.savez_compressed(file, allow_pickle=False, **arrays)


def merge_sums(sources: Sequence[Path], target: Path) -> None:
    """Add up files of `DisagreementSums.save` with different patients, such as those of the folds of a study."""
    merged: dict[str, np.ndarray] = {}
    for source in sources:
        with np.load(source, allow_pickle=False) as arrays:
            for key in arrays.files:
                merged[key] = merged.get(key, 0) + arrays[key]
    np.savez_compressed(target, allow_pickle=False, **merged)
