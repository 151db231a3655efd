"""Write several files and folders together, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from vdes.data.stage_folder import PARTIAL, stage_folder
from vdes.errors import FREE, FULL, InputError


@contextlib.contextmanager
def staged(targets: Sequence[Path], overwrite: bool) -> Iterator[dict[Path, Path]]:
    """Write under temporary names and move everything to the ``targets`` at the end.

    The body writes each file or folder to the path that it gets for the target. If the body succeeds, its files are
    moved to the targets; if it raises, they are removed and the targets stay unchanged.

    Args:
        targets: the files and folders to make; their parent folders must exist.
        overwrite: replace existing targets. If False, an existing target is refused before anything is written.

    Yields:
        For each target the path to write to, in a temporary folder on the same disk, see `stage_folder`. A target that
        the body does not write stays unchanged.

    Raises:
        InputError: a target exists and ``overwrite`` is False, its folder does not exist or cannot be written to, a
            target for a file is a folder, or the disk is full.
    """
    for target in targets:
        if not target.parent.is_dir():
            raise InputError(f"{target}: cannot be written, the folder {target.parent} does not exist; make it first")
        if os.path.lexists(target) and not overwrite:
            raise InputError(f"{target}: exists already; pass --overwrite to replace it")
    with contextlib.ExitStack() as stack:
        stages: dict[Path, Path] = {}
        for target in targets:
            try:
                stages[target] = stack.enter_context(stage_folder(target)) / target.name
            except OSError as error:
                raise InputError(f"{target}: cannot be written ({error.strerror})") from error
        try:
            yield stages
        except OSError as error:
            if error.errno not in FULL:
                raise
            target = next((target for target in reversed(targets) if stages[target].exists()), targets[0])
            raise InputError(f"{target}: cannot be written ({error.strerror}); {FREE}") from error
        written = {target: stage for target, stage in stages.items() if stage.exists()}
        for target, stage in written.items():
            if stage.is_file() and target.is_dir():
                raise InputError(f"{target}: is a folder; expected the name of a file to write")
        for target, stage in written.items():
            if target.is_dir():  # a folder cannot be replaced in one step: the old one goes with the temporary folder
                target.replace(stage.with_name("replaced"))
            stage.replace(target)


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder and its parents; if the body raises, remove those of them that are empty.

    Raises:
        InputError: the folder cannot be made.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from error
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # not empty, and so its parents are not either
            for one in made:
                one.rmdir()
        raise


def remove_partial(folder: Path, below: bool = False) -> None:
    """Remove what killed processes have left of `staged` in a folder that nothing else writes to.

    Args:
        folder: the folder.
        below: in the folders in it, too.
    """
    for path in list(folder.rglob(f".*{PARTIAL}") if below else folder.glob(f".*{PARTIAL}")):
        shutil.rmtree(path, ignore_errors=True)
