"""The provenance of a result."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from vdes.data.datalist import Datalist, PathLike
from vdes.data.versions import versions


def provenance(datalist: PathLike | Datalist, section: str, weights: PathLike) -> dict[str, Any]:
    """Return the provenance of a result: data set, split, hashes and versions, without machine-specific paths.

    Args:
        datalist: the datalist, or its file.
        section: the split that was evaluated.
        weights: the weights' file.

    """
    listed = Datalist.of(datalist)
    return {
        "data": listed.name,
        "section": section,
        "split": listed.split,
        "datalist_sha256": listed.sha256,
        "weights_sha256": sha256(weights),
        "versions": versions(),
    }


def sha256(file: PathLike) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
