from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ignite.engine import Engine

from vdes.bundle.output_lock import LOCK_FILE, run_alone, sole_writer
from vdes.bundle.steps import Step, run_steps
from vdes.errors import InputError

# no vdes here, whose import takes long: a lock of the same file
HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print(flush=True)
time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes to the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / LOCK_FILE)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_second_writer_is_refused_until_the_first_is_killed(other: subprocess.Popen[str], tmp_path: Path) -> None:
    ran = []
    engine = Engine(lambda *_: ran.append(1))
    engine.run = lambda: ran.append(1)
    message = f"{tmp_path}: another process is writing to it; wait for its end, or name another folder"
    with pytest.raises(InputError) as caught:
        run_alone(tmp_path, engine)
    assert str(caught.value) == message and not ran
    other.kill()
    other.wait()
    assert (tmp_path / LOCK_FILE).exists()  # a kill leaves the file, which means nothing
    run_alone(tmp_path, engine)
    assert ran and not list(tmp_path.iterdir())


def test_the_folder_is_made_and_goes_again_if_nothing_was_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no work"), sole_writer(tmp_path / "new" / "folder"):
        assert (tmp_path / "new" / "folder" / LOCK_FILE).is_file()
        raise InputError("no work")
    assert not list(tmp_path.iterdir())
    with sole_writer(tmp_path / "new"):
        (tmp_path / "new" / "result").touch()
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["result"]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/folder: cannot be made"), sole_writer(tmp_path / "file" / "folder"):
        pass


def test_a_step_that_another_process_runs_is_not_run(tmp_path: Path) -> None:
    started = time.monotonic()
    steps = [Step(name, "datalist", 1.0, lambda name=name: (tmp_path / name).touch()) for name in ("one", "two")]
    marks = tmp_path / "steps"
    marks.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(marks / "one.lock")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        failed = run_steps(steps, marks)
        process.kill()
    assert failed == {"one": "one: another process is writing to it; wait for its end, or name another folder"}
    assert not (tmp_path / "one").exists() and (tmp_path / "two").exists()
    assert run_steps(steps, marks) == {}
    assert sorted(file.name for file in marks.iterdir()) == ["one.json", "two.json"]
    assert time.monotonic() - started < 30
