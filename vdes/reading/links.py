"""Readers' personal links. The store holds only hashes of their secrets."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.reading.settings import Links
from vdes.reading.store import Store

LINKS_FILE = "links.txt"
SECRET_BYTES = 16
PATH = "/r/"  # precedes the secret in a link


def make_links(folder: Path, settings: Links, overwrite: bool = False) -> Path:
    """Give readers new links and write them to a file.

    Args:
        folder: of the reader study.
        settings: which links to make.
        overwrite: replace an existing file of links.

    Returns:
        The file, one line per reader: code, tab, link.

    Raises:
        InputError: the store cannot be used, a reader is unknown, the address is not valid, or the file exists.
    """
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
        raise InputError(f"url: {settings.url!r}; expected an address such as https://reading.example.org")
    file = settings.output or folder / LINKS_FILE
    with Store(folder) as store:
        unknown = [one for one in settings.reader if one not in store.tasks]
        if unknown:
            raise InputError(f"reader: {unknown[0]!r} is not in the plan; expected {', '.join(store.tasks)}")
        made = {reader: secrets.token_urlsafe(SECRET_BYTES) for reader in settings.reader or store.tasks}
        base = settings.url.rstrip("/")
        with staged([file], overwrite) as stages:
            stages[file].touch(0o600)
            stages[file].chmod(0o600)
            stages[file].write_text("".join(f"{reader}\t{base}{PATH}{secret}\n" for reader, secret in made.items()))
            # before the file is moved into place: a link that does not work is better than one that nobody has
            store.set_links({reader: secret_hash(secret) for reader, secret in made.items()})
    return file


def secret_hash(secret: str) -> str:
    """Return the hash of a secret that the store keeps; with 128 random bits, a plain hash cannot be reversed."""
    return hashlib.sha256(secret.encode()).hexdigest()
