"""Entries of caches: files that are whole, and whose damage is noticed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vdes.data.staging import staged
from vdes.errors import InputError

DIGEST = hashlib.sha256().digest_size  # of an entry, before its content


def write_checked(file: Path, content: bytes) -> None:
    """Write the hash of the content and the content, under another name first, in place of an older file.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        with staged([file], overwrite=True) as stages:
            stages[file].write_bytes(hashlib.sha256(content).digest() + content)
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written ({error.strerror}); free space, or name another folder for the cache"
        ) from error


def read_checked(file: Path) -> bytes | None:
    """Return the content of a file of `write_checked`, or None if the file is damaged.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    try:
        whole = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    content = whole[DIGEST:]
    return content if whole[:DIGEST] == hashlib.sha256(content).digest() else None
