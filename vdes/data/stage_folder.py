"""A temporary folder beside a file or folder that is being made, and what killed processes have left of it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

PARTIAL = ".vdes-partial"  # how temporary folders end, and nothing of a user's
_LOCK = ".lock"


@contextlib.contextmanager
def stage_folder(target: Path) -> Iterator[Path]:
    """Make an empty temporary folder beside ``target``, on the same disk, and remove it at the end.

    It has the same name in each run, so that the next one clears away what a killed one has left. While a process
    uses it, it holds a lock in it, which ends with the process; another that makes the same target at the same time
    gets a folder of another name.

    Raises:
        OSError: it cannot be made.
    """
    folder = target.with_name(f".{target.name}{PARTIAL}")
    lock = _held(folder)
    if lock is None:
        with tempfile.TemporaryDirectory(PARTIAL, f".{target.name}.", target.parent) as other:
            yield Path(other)
        return
    try:
        yield folder
    finally:
        _clear(folder)
        # in this order: whoever opens the lock file from here on finds none, or makes another
        (folder / _LOCK).unlink(missing_ok=True)
        lock.release()
        with contextlib.suppress(OSError):  # it is another's already
            folder.rmdir()


def _held(folder: Path) -> FileLock | None:
    """Make the folder, empty, and hold its lock; None if another process holds it or the disk has no locks."""
    lock = FileLock(folder / _LOCK)
    folder.mkdir(exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except (Timeout, NotImplementedError, FileNotFoundError):  # the last: another process has just removed it
        return None
    except OSError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise
    if not (folder / _LOCK).exists():
        lock.release()
        return None
    _clear(folder)
    return lock


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink(missing_ok=True)
