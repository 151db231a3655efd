"""What weights were trained on, beside them: so that nobody tests them on it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from vdes.data.datalist import Datalist, PathLike
from vdes.data.vocabulary import MODALITIES

RECORD_SUFFIX = ".json"  # model.json beside model.pt
DIGITS = 12  # of a hash: 48 bits, in which two of a million images are hardly ever the same
SEEN = ("training", "validation")


def training_record(datalist: PathLike | Datalist) -> dict[str, Any]:
    """Return what weights that are trained on a datalist have seen: the record beside their file.

    Images are known by the first `DIGITS` hexadecimal digits of their file's SHA-256, which tell nothing of a patient.

    Returns:
        ``data`` (name of the data set), ``split``, ``datalist_sha256``, ``patients`` (their number) and ``images``, the
        sorted fingerprints of the training and validation sections.

    Raises:
        InputError: as `vdes.data.datalist.Datalist.items`.

    """
    listed = Datalist.of(datalist)
    items = listed.items(*SEEN)
    files = {item[field] for item in items for field in MODALITIES if item[field] is not None}
    return {
        "data": listed.name,
        "split": listed.split,
        "datalist_sha256": listed.sha256,
        "patients": len({item["patient"] for item in items}),
        "images": sorted(fingerprint(file) for file in files),
    }


def fingerprint(file: str | os.PathLike[str]) -> str:
    """Return the first `DIGITS` hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:DIGITS]
