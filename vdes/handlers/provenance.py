"""What made a result."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from vdes.data.datalist import read_json
from vdes.data.versions import versions


def provenance(datalist: str | os.PathLike[str], section: str, weights: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a result rests on: data set, split, hashes and versions; no path of the machine.

    Args:
        datalist: the datalist's file.
        section: the split that was evaluated.
        weights: the weights' file.

    """
    listed = read_json(datalist)
    return {
        "data": listed["name"],
        "section": section,
        "split": listed.get("split"),
        "datalist_sha256": _sha256(datalist),
        "weights_sha256": _sha256(weights),
        "versions": versions(),
    }


def _sha256(file: str | os.PathLike[str]) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
