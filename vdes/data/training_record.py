"""What weights were trained on, beside them: so that nobody tests them on it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from vdes.data.datalist import Datalist, PathLike
from vdes.data.vocabulary import MODALITIES
from vdes.errors import InputError

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


def check_trained_on(weights: Path, items: list[dict[str, Any]], where: str) -> str:
    """Refuse weights that have seen an image of these items in training or validation.

    Args:
        weights: their file; its record, which training writes, lies beside it.
        items: of a datalist's test section.
        where: the datalist, for the message.

    Returns:
        In words what the weights were trained on, for a report.

    Raises:
        InputError: they have seen one, or the record cannot be read.

    """
    file = weights.with_suffix(RECORD_SUFFIX)
    if not file.is_file():
        return "not recorded: whether they have seen a test patient is unknown"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        known = set(record["images"])
        name, patients = record["data"], record["patients"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not the record of a training ({error!r}); expected what training writes") from error
    files = {item["case"]: [item[field] for field in MODALITIES if item.get(field)] for item in items}
    seen = [case for case, paths in files.items() if any(fingerprint(path) in known for path in paths)]
    if seen:
        raise InputError(
            f"{weights}: trained or validated on {len(seen)} of the {len(items)} test images of {where}, such as "
            f"{seen[0]}; expected weights that have not seen the test patients"
        )
    return f"{name}: {len(known)} images of {patients} patients, none of them in this test set"
