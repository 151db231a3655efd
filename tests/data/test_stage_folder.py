"""Tests for `vdes.data.stage_folder`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vdes.data.stage_folder import PARTIAL, stage_folder

PROGRAM = """
import os, signal, sys
from pathlib import Path
from vdes.data.stage_folder import stage_folder
with stage_folder(Path(sys.argv[1])) as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "half.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_has_left_is_cleared_by_the_next_for_the_same_target(tmp_path: Path) -> None:
    target = tmp_path / "datalist.json"
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", PROGRAM, target], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert [path.name for path in tmp_path.iterdir()] == [f".datalist.json{PARTIAL}"]  # and no second one
    with stage_folder(target) as folder:
        assert not (folder / "inner").exists()
    assert list(tmp_path.iterdir()) == []


def test_who_makes_the_same_target_at_the_same_time_has_another_folder(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with stage_folder(target) as one:
        (one / "a.csv").write_text("one")
        with stage_folder(target) as other:
            (other / "a.csv").write_text("other")
            assert one != other and (one / "a.csv").read_text() == "one"
        assert (one / "a.csv").read_text() == "one"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), stage_folder(tmp_path / "a.csv") as folder:
        (folder / "a.csv").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / f".a.csv{PARTIAL}").write_text("a file of that name")
    for target in (tmp_path / "a.csv", tmp_path / "missing" / "b.csv"):
        with pytest.raises(OSError), stage_folder(target):
            pass
    assert [path.name for path in tmp_path.iterdir()] == [f".a.csv{PARTIAL}"]
