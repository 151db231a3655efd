"""Whose bundle may run: a config can run any program, with the rights of its user."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from vdes.bundle.locate import CLONE, INSTALLED
from vdes.data.known_files import file_sha256
from vdes.errors import InputError

logger = logging.getLogger(__name__)

CONFIGS = "configs"
CODE = (".py", ".pyc", ".so", ".pyd", ".pth")  # what Python may run, in any folder of a bundle


def check_trust(bundle: Path, trusted: bool, bundles: Path | None = None, hashes: Sequence[str] = ()) -> None:
    """Refuse a bundle that is neither vdes's own nor trusted by the user, before anything of it is parsed.

    A copy of one of vdes's own bundles is trusted if its configs are the same and it brings no code.

    Args:
        bundle: folder of the bundle.
        trusted: the user has said so, by ``--trust-bundle``.
        bundles: the folder that the user names for vdes's own bundles; the bundles in it are trusted.
        hashes: the `code_sha256` of bundles that the user trusts as long as nothing of them changes.

    Raises:
        InputError: the bundle is not trusted, or a hash is none.
    """
    for text in hashes:
        if len(text) != hashlib.sha256().digest_size * 2 or not set(text.lower()) <= set("0123456789abcdef"):
            raise InputError(f"--trust-sha256: {text!r}; expected the 64 digits that the refusal of a bundle names")
    own = [folder.resolve() for folder in (CLONE, INSTALLED, bundles) if folder is not None]
    if bundle.resolve().parent in own or not (bundle / CONFIGS).is_dir():  # there is nothing to run
        return
    found = code_sha256(bundle)
    namesakes = [folder / bundle.resolve().name for folder in (CLONE, INSTALLED)]
    if found in {code_sha256(folder) for folder in namesakes if folder.is_dir()}:
        return
    if not trusted and found not in map(str.lower, hashes):
        raise InputError(
            f"{bundle}: is not one of vdes's own bundles, and the configs of a bundle can run any program with your "
            f"rights; read them, then pass --trust-bundle to run it, or --trust-sha256 {found} to run it as long as "
            "its configs and code stay as they are"
        )
    logger.warning("%s: is not one of vdes's own bundles; its configs run with your rights", bundle)


def code_sha256(bundle: Path) -> str:
    """Return the hash of all that decides what a bundle runs: of its configs and code, with their names in it.

    What Python caches of its code, weights, docs and outputs are not part of it.
    """
    total, seen = hashlib.sha256(), set()
    for folder, below, names in os.walk(bundle, followlinks=True):
        place = Path(folder)
        below[:] = sorted(name for name in below if name != "__pycache__" and (place / name).resolve() not in seen)
        seen |= {(place / name).resolve() for name in below}
        in_configs = place.relative_to(bundle).parts[:1] == (CONFIGS,)
        for name in sorted(names):
            file = place / name
            if (in_configs or file.suffix.lower() in CODE) and file.is_file():
                total.update(f"{file.relative_to(bundle).as_posix()}\0{file_sha256(file)}\n".encode())
    return total.hexdigest()
