"""The hash of files and folders, by which a change of them is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from vdes.data.known_files import file_sha256


def digest(paths: Iterable[Path]) -> str:
    """Return the hash of files and folders: of their names and contents, and of those that are missing."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            name = Path(path.name) / file.relative_to(path)
            total.update(f"{name.as_posix()}\0{file_sha256(file) if file.is_file() else ''}\n".encode())
    return total.hexdigest()
