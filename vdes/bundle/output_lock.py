"""Let one process at a time write to a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch.distributed as dist
from filelock import FileLock, Timeout
from ignite.distributed import get_rank, get_world_size
from ignite.engine import Engine

from vdes.data.staging import new_folder, remove_partial
from vdes.errors import InputError

LOCK_FILE = ".lock"  # in the folder, while it is written to, and after a kill until the next run


@contextmanager
def locked(file: Path, what: str) -> Iterator[None]:
    """Hold a lock while the body runs, and refuse if another process holds it.

    The system holds it, not the file's existence: it ends with its process, even by a kill, and holds between machines
    that share a network file system.

    Args:
        file: the lock file; it is removed at the end. Its folder must exist.
        what: what is locked, for the message.

    Raises:
        InputError: another process holds the lock, or the file cannot be written.
    """
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{what}: another process is writing to it; wait for its end, or name another folder"
        ) from None
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        lock.release()


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Make a folder if needed, and let no other process that asks for the same write to it while the body runs.

    What killed processes have left half-written in it is removed first.

    Raises:
        InputError: as `locked`.
    """
    with new_folder(folder), locked(folder / LOCK_FILE, str(folder)):
        remove_partial(folder)
        yield


def run_alone(folder: str | Path, engine: Engine) -> None:
    """Run a MONAI engine as the `sole_writer` to its output folder, for the ``run`` of a bundle.

    Of several processes the first holds the lock; if it cannot, all of them refuse.

    Raises:
        InputError: as `sole_writer`.
    """
    refusal: list[str | None] = [None]
    with ExitStack() as held:
        if get_rank() == 0:
            try:
                held.enter_context(sole_writer(Path(folder)))
            except InputError as error:
                refusal[0] = str(error)
        if get_world_size() > 1:
            dist.broadcast_object_list(refusal, src=0)
        if refusal[0] is not None:
            raise InputError(refusal[0])
        engine.run()
