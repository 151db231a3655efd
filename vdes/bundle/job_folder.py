"""The folder of a long job, which resumes when it is started again with the same settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vdes.bundle.output_lock import LOCK_FILE
from vdes.data.json_file import read_json
from vdes.data.staging import staged
from vdes.errors import InputError

SETTINGS_FILE = "settings.json"


def open_job(
    folder: Path,
    settings: Mapping[str, Any],
    what: str,
    made: Sequence[str],
    overwrite: bool | None = None,
    kept: Sequence[str] = (),
) -> None:
    """Make the folder of a job, or resume a job with the same settings in it.

    Args:
        folder: folder of the job.
        settings: the settings that determine its figures; they are stored in `SETTINGS_FILE`.
        what: one word for the job, for messages.
        made: names of the files that the job writes into the folder.
        overwrite: start again and remove the files of an earlier job. None if the job has no such option.
        kept: names that may exist before the job, and are kept.

    Raises:
        InputError: the folder holds a job with other settings, or other files.
    """
    stated = json.loads(json.dumps(settings, default=str))
    file = folder / SETTINGS_FILE
    if folder.is_dir() and any(path.name not in (*kept, LOCK_FILE) for path in folder.iterdir()):
        if not file.is_file():
            raise InputError(f"{folder}: holds other files; expected a folder that is empty or does not exist")
        if overwrite:
            for name in (*made, SETTINGS_FILE):
                path = folder / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        elif (found := read_json(file, f"the settings of a {what}")) != stated:
            differs = next(key for key in {**stated, **found} if found.get(key) != stated.get(key))
            anew = "or another folder" if overwrite is None else "another folder, or --overwrite to start again"
            raise InputError(
                f"{folder}: holds a {what} with another `{differs}`; use the same settings to resume it, {anew}"
            )
    folder.mkdir(parents=True, exist_ok=True)
    with staged([file], overwrite=True) as stages:
        stages[file].write_text(json.dumps(stated, indent=2) + "\n", encoding="utf-8")
