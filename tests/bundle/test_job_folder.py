from __future__ import annotations

from pathlib import Path

import pytest

from vdes.bundle.job_folder import SETTINGS_FILE, open_job
from vdes.errors import InputError


def test_a_job_of_the_same_settings_goes_on(tmp_path: Path) -> None:
    for _ in range(2):
        open_job(tmp_path / "job", {"seed": 0, "folder": Path("x")}, "training", ["runs"])
        (tmp_path / "job" / "runs").mkdir(exist_ok=True)
    assert {path.name for path in (tmp_path / "job").iterdir()} == {"runs", SETTINGS_FILE}


def test_another_job_is_refused_and_replaced_when_asked(tmp_path: Path) -> None:
    open_job(tmp_path, {"seed": 0, "height": 64}, "training", ["runs"])
    (tmp_path / "runs").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    for other, differs in (({"seed": 1, "height": 64}, "seed"), ({"seed": 0}, "height")):
        with pytest.raises(InputError, match=f"holds a training of another `{differs}`; .*--overwrite"):
            open_job(tmp_path, other, "training", ["runs"])
    open_job(tmp_path, {"seed": 1}, "training", ["runs"], overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", SETTINGS_FILE}


def test_a_folder_of_something_else_is_refused_even_to_overwrite(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="holds other files; expected a folder that is empty"):
            open_job(tmp_path, {}, "training", ["runs"], overwrite)
    open_job(tmp_path, {}, "training", ["runs"], kept=["notes.txt"])
