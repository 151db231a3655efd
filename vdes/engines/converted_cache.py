"""Keep converted networks in a folder, each whole and with the hashes of its files."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)

SUMS = "sha256.txt"


def is_whole(folder: Path) -> bool:
    """Tell whether a folder has a converted network with the hashes that it states; a damaged one is removed."""
    if not folder.is_dir():
        return False
    if _sums(folder) == _stated_sums(folder):
        return True
    logger.warning("engine: %s is damaged; the network is converted again", folder)
    shutil.rmtree(folder, ignore_errors=True)
    return False


def keep(converted: Path, folder: Path) -> None:
    """Store the files of a converted network whole or not at all; without a place for them there is no cache."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as stage:
            whole = Path(stage) / folder.name
            shutil.copytree(converted, whole)
            (whole / SUMS).write_text(_sums(whole), encoding="utf-8")
            whole.replace(folder)
    except OSError as error:  # shutil's too
        if not folder.is_dir():  # another process may have been faster
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            logger.warning("engine: %s keeps no converted network (%s)", folder.parent, reason)


def _sums(folder: Path) -> str:
    """Return the hashes of the files of a converted network."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def _stated_sums(folder: Path) -> str:
    file = folder / SUMS
    return file.read_text(encoding="utf-8") if file.is_file() else ""
