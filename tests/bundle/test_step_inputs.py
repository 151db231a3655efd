from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vdes.bundle.step_inputs import CONTENT_FILE, StepInputs, images_of_datalists
from vdes.bundle.steps import Step, is_done, run_steps
from vdes.data.datalist import Datalist
from vdes.errors import InputError


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    named = {"P1 low_energy": tmp_path / "low_energy.png", "P1 des": tmp_path / "des.png"}
    for file in named.values():
        file.write_bytes(b"old")
        os.utime(file, (1_700_000_000, 1_700_000_000))
    return named


def replaced(file: Path) -> None:
    """Put another file of the same size and time in the place of one."""
    beside = file.with_name("new")
    beside.write_bytes(b"new")
    os.utime(beside, (1_700_000_000, 1_700_000_000))
    beside.replace(file)


def job(folder: Path, ran: list[str], between: Callable[[], object] = lambda: None) -> list[Step]:
    """Return two steps that need nothing of each other; something happens while the second runs."""

    def run(name: str) -> None:
        (folder / name).write_text("made")
        ran.append(name)

    return [
        Step("a", "virtual", 1, lambda: run("a"), outputs=[folder / "a"]),
        Step("b", "virtual", 1, lambda: (run("b"), between())[0], outputs=[folder / "b"]),
    ]


@pytest.mark.parametrize("change", [replaced, Path.unlink])
def test_a_step_during_which_an_input_changes_is_not_done(
    files: dict[str, Path], tmp_path: Path, change: Callable[[Path], None]
) -> None:
    ran: list[str] = []
    steps = job(tmp_path, ran, lambda: change(files["P1 des"]))
    failed = run_steps(steps, tmp_path / "steps", inputs=StepInputs(files))
    assert list(failed) == ["b"] and str(files["P1 des"]) in failed["b"]
    assert is_done(steps[0], tmp_path / "steps") and not (tmp_path / "b").exists()
    # nor does the job go on with it
    files["P1 des"].write_bytes(b"new")
    with pytest.raises(InputError, match=r"des\.png: was changed since .* was begun with it; put the old file back"):
        run_steps(job(tmp_path, ran), tmp_path / "steps", inputs=StepInputs(files))
    assert ran == ["a", "b"]
    files["P1 des"].write_bytes(b"old")
    assert run_steps(job(tmp_path, ran), tmp_path / "steps", inputs=StepInputs(files)) == {}
    assert ran == ["a", "b", "b"]


def test_files_may_lie_elsewhere_and_be_touched_between_runs(files: dict[str, Path], tmp_path: Path) -> None:
    ran: list[str] = []
    run_steps(job(tmp_path, ran), tmp_path / "steps", inputs=StepInputs(files))
    assert str(tmp_path) not in (tmp_path / "steps" / CONTENT_FILE).read_text()
    moved = {name: file.rename(file.with_suffix(".tif")) for name, file in files.items()}
    assert run_steps(job(tmp_path, ran), tmp_path / "steps", inputs=StepInputs(moved)) == {}
    assert ran == ["a", "b"]


def test_a_file_that_cannot_be_read_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    files["P1 des"].unlink()
    with pytest.raises(InputError, match=r"des\.png: cannot be read"):
        run_steps(job(tmp_path, []), tmp_path / "steps", inputs=StepInputs(files))


def test_folds_of_one_data_set_list_each_image_once(small_datalist: Path) -> None:
    items = Datalist.read(small_datalist).items()
    expected = {item[name] for item in items for name in ("low_energy", "des", "lesion_mask") if item[name]}
    found = images_of_datalists([small_datalist, small_datalist])
    assert len(found) == len(set(found.values())) and expected <= set(found.values())
