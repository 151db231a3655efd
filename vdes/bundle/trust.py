"""Whose bundle may run: a config can run any program, with the rights of its user."""

from __future__ import annotations

import logging
from pathlib import Path

from vdes.bundle.digest import digest
from vdes.bundle.locate import CLONE, INSTALLED
from vdes.errors import InputError

logger = logging.getLogger(__name__)


def check_trust(bundle: Path, trusted: bool, bundles: Path | None = None) -> None:
    """Refuse a bundle that is neither vdes's own nor trusted by the user, before anything of it is parsed.

    A copy of one of vdes's own bundles is trusted if its configs are the same and it brings no code.

    Args:
        bundle: folder of the bundle.
        trusted: the user has said so, by ``--trust-bundle``.
        bundles: the folder that the user names for vdes's own bundles; the bundles in it are trusted.

    Raises:
        InputError: the bundle is not trusted.
    """
    own = [folder.resolve() for folder in (CLONE, INSTALLED, bundles) if folder is not None]
    if bundle.resolve().parent in own or not (bundle / "configs").is_dir():  # there is nothing to run
        return
    code = [bundle / "configs", *sorted(bundle.rglob("*.py"))]
    if digest(code) in {digest([folder / bundle.resolve().name / "configs"]) for folder in (CLONE, INSTALLED)}:
        return
    if not trusted:
        raise InputError(
            f"{bundle}: is not one of vdes's own bundles, and the configs of a bundle can run any program with your "
            "rights; read them, then pass --trust-bundle to run it"
        )
    logger.warning("%s: is not one of vdes's own bundles; its configs run with your rights", bundle)
