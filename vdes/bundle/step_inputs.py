"""The images and weights that the steps of a long job read: the same ones from its first step to its last."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from vdes.data.datalist import PATH_FIELDS, Datalist, Item
from vdes.data.json_file import read_json
from vdes.data.known_files import KnownFiles
from vdes.data.staging import staged
from vdes.errors import InputError

CONTENT_FILE = ".inputs.json"  # in the folder of the finished steps: the hash of each file by its name in the job

Stamp = tuple[int, int, int]


class StepInputs:
    """The files that the steps of a job read, which no step made.

    The first step of a study may read an image today and the last one tomorrow, in a process that was started again. A
    file that was replaced, changed or removed in between is refused by its name: a step that ran meanwhile is not done,
    and a job does not go on with other files than it began with.

    Args:
        files: the files by a name that does not depend on where they lie, such as case and field.
    """

    def __init__(self, files: Mapping[str, str | Path]) -> None:
        self.files = {name: str(file) for name, file in files.items()}
        self._stamps: dict[str, Stamp] = {}

    def open(self, folder: Path) -> None:
        """Write down the content of the files, or make sure that it is still what was written when the job began.

        Args:
            folder: folder with a file for each finished step.

        Raises:
            InputError: a file cannot be read, or is not the one that the job began with.
        """
        self._stamps = {file: _stamp(file) for file in self.files.values()}
        known, record = KnownFiles(), folder / CONTENT_FILE
        found = {name: known.sha256(file) for name, file in self.files.items()}
        began = read_json(record, "the inputs of a job") if record.is_file() else {}
        for name, sha256 in found.items():
            if began.get(name, sha256) != sha256:
                raise InputError(
                    f"{self.files[name]}: was changed since {folder.parent} was begun with it; put the old file back, "
                    "or start again in another folder"
                )
        folder.mkdir(parents=True, exist_ok=True)
        with staged([record], overwrite=True) as stages:
            stages[record].write_text(json.dumps({**began, **found}, indent=1) + "\n", encoding="utf-8")

    def check(self) -> None:
        """Make sure that no file was touched since `open`.

        It looks at their sizes and times, of which one cannot be set back: reading them again after each step would
        take as long as the step.

        Raises:
            InputError: a file was replaced, changed or removed.
        """
        for file, stamp in self._stamps.items():
            if _stamp(file) != stamp:
                raise InputError(f"{file}: was changed while this run read it; run it again when its content is final")


def images_of(items: Iterable[Item]) -> dict[str, str]:
    """Return the images and masks of a datalist's items, by case and field."""
    return {f"{item['case']} {field}": item[field] for item in items for field in PATH_FIELDS if item.get(field)}


def images_of_datalists(datalists: Iterable[Path]) -> dict[str, str]:
    """Return the images and masks of several datalists, such as the folds of one data set, by datalist, case and field.

    Raises:
        InputError: as `Datalist.read` and `Datalist.items`.
    """
    found: dict[str, str] = {}
    for number, datalist in enumerate(datalists):
        of_this = images_of(Datalist.read(datalist).items())
        listed = set(found.values())
        found |= {f"{number} {name}": file for name, file in of_this.items() if file not in listed}
    return found


def _stamp(file: str) -> Stamp:
    try:
        status = os.stat(file)  # noqa: PTH116
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
