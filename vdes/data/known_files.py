"""The content of files as a run first finds it, so that all parts of the run speak of the same."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from vdes.errors import InputError


class KnownFiles:
    """The hashes of files, each computed once.

    A run reads an image when it preprocesses it, and names it by its hash in its cache, its checkpoint and its record.
    If each of them hashed the file when it needs to, a file that was replaced in between would have two names.
    """

    def __init__(self) -> None:
        self._hashes: dict[str, str] = {}

    def sha256(self, file: str | os.PathLike[str]) -> str:
        """Return the SHA-256 of a file when it was first asked for, in hexadecimal digits.

        Raises:
            InputError: the file cannot be read.
        """
        name = os.fspath(file)
        if name not in self._hashes:
            self._hashes[name] = file_sha256(name)
        return self._hashes[name]

    def check(self, file: str | os.PathLike[str]) -> None:
        """Make sure that a file still has the content that it was first found with.

        Raises:
            InputError: it was replaced, changed or removed since, or cannot be read.
        """
        check_content(file, self.sha256(file))


def check_content(file: str | os.PathLike[str], sha256: str) -> None:
    """Make sure that a file has the content with this hash.

    Raises:
        InputError: it has another, or cannot be read.
    """
    if file_sha256(file) != sha256:
        raise InputError(f"{file}: was changed while this run read it; run it again when its content is final")


def file_sha256(file: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
