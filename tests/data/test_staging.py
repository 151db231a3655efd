from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vdes.data.staging import new_folder, remove_partial, staged
from vdes.errors import InputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(stages: dict[Path, Path], file: Path, folder: Path) -> None:
    stages[file].write_text("new")
    stages[folder].mkdir()
    (stages[folder] / "inner.txt").write_text("new")


def test_files_and_folders_appear_at_the_end_only(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.txt", tmp_path / "b"
    with staged([file, folder], overwrite=False) as stages:
        write(stages, file, folder)
        assert not file.exists() and not folder.exists()
    assert names(tmp_path) == ["a.txt", "b"]
    assert file.read_text() == (folder / "inner.txt").read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failure_leaves_everything_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    file, folder = tmp_path / "a.txt", tmp_path / "b"
    file.write_text("old")
    with pytest.raises(error), staged([file, folder], overwrite=True) as stages:
        write(stages, file, folder)
        raise error
    assert names(tmp_path) == ["a.txt"] and file.read_text() == "old"


def test_overwrite_replaces_whole_folders(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.txt", tmp_path / "b"
    folder.mkdir()
    (folder / "stale.txt").write_text("old")
    file.write_text("old")
    with pytest.raises(InputError, match=r"a\.txt: exists already; pass --overwrite"), staged([file], False):
        pass
    with staged([file, folder], overwrite=True) as stages:
        write(stages, file, folder)
    assert names(tmp_path) == ["a.txt", "b"] and names(folder) == ["inner.txt"] and file.read_text() == "new"


def test_a_folder_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="a: is a folder"), staged([folder], overwrite=True) as stages:
        stages[folder].write_text("new")
    assert (folder / "mine.txt").read_text() == "mine" and names(tmp_path) == ["a"]


def test_target_that_is_not_written_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with staged([file], overwrite=True):
        pass
    assert file.read_text() == "old"


def test_missing_parent_folder_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    expected = r"a\.txt: cannot be written, the folder .*nowhere does not exist"
    with pytest.raises(InputError, match=expected), staged([missing / "a.txt"], overwrite=False):
        pass


def test_name_that_the_file_system_refuses_is_an_error(tmp_path: Path) -> None:
    target = tmp_path / ("a" * 250)
    with pytest.raises(InputError, match=r"cannot be written \(File name too long\)"), staged([target], False):
        pass


def test_a_new_folder_goes_again_when_nothing_came_of_it(tmp_path: Path) -> None:
    with pytest.raises(InputError), new_folder(tmp_path / "study" / "data"):
        raise InputError("no such table")
    assert names(tmp_path) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError), new_folder(tmp_path / "mine" / "data"):
        raise InputError("no such table")
    assert names(tmp_path) == ["mine"] and names(tmp_path / "mine") == []


def test_a_new_folder_stays_with_what_was_written_to_it(tmp_path: Path) -> None:
    with new_folder(tmp_path / "study" / "data"):
        pass
    assert names(tmp_path / "study") == ["data"]
    with pytest.raises(InputError), new_folder(tmp_path / "study" / "more" / "deep"):
        (tmp_path / "study" / "more" / "notes.txt").write_text("mine")
        raise InputError("no such table")
    assert names(tmp_path / "study") == ["data", "more"] and names(tmp_path / "study" / "more") == ["notes.txt"]


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    program = f"""
import resource, torch
import signal
import subprocess
import sys
from pathlib import Path
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.handlers.save_weights import save_weights
folder = Path({str(tmp_path)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
def text():
    with staged([folder / "a.txt"], overwrite=True) as stages:
        stages[folder / "a.txt"].write_text("a" * 9000)
def weights():
    save_weights({{"a": torch.zeros(9000)}}, folder / "model.pt", {{}})
for job in (text, weights):
    try:
        job()
    except InputError as error:
        print(error)
"""
    (tmp_path / "a.txt").write_text("old")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    expected = [f"{tmp_path / name}: cannot be written (File too large)" for name in ("a.txt", "model.pt")]
    assert [line.partition(";")[0] for line in done.stdout.splitlines()] == expected
    assert names(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    program = """
import os, signal, sys
import signal
import subprocess
import sys
from pathlib import Path
from vdes.data.staging import staged
with staged([Path(sys.argv[1])], overwrite=True) as stages:
    stages[Path(sys.argv[1])].write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    (tmp_path / "inner").mkdir()
    for target in (tmp_path / "a.txt", tmp_path / "inner" / "b.txt"):
        assert subprocess.run([sys.executable, "-c", program, target], check=False).returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2 and len(names(tmp_path / "inner")) == 1
    remove_partial(tmp_path)
    assert names(tmp_path) == ["inner"] and len(names(tmp_path / "inner")) == 1
    remove_partial(tmp_path, below=True)
    assert names(tmp_path / "inner") == []
