"""``vdes phantom`` from the command line: a small set, made once, resumed, and refused where it must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from vdes.cli import main
from vdes.data.datalist import SECTIONS, Datalist


def test_a_set_is_written_and_the_command_can_be_given_again(tmp_path: Path) -> None:
    command = ["phantom", str(tmp_path / "out"), "--patients", "3", "--seed", "1", "--size", "64"]
    assert main(command) == 0
    listed = Datalist.read(tmp_path / "out" / "datalist.json").content()
    assert sum(len(listed[name]) for name in SECTIONS) == 12  # four views a patient
    assert {item["patient"] for item in listed["test"]}.isdisjoint(item["patient"] for item in listed["training"])


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--size", "7", "size"),
        ("--dose", "-1", "dose"),
        ("--preset", "mo-mo", "preset"),
        ("--morphology-dprime", "-0.1", "morphology_dprime"),
        ("--patients", "0", "patients"),
        ("--coupling", "1.5", "coupling"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    option: str, value: str, field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["phantom", str(tmp_path / "out"), option, value]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ") and field in lines[0]
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["phantom", str(tmp_path), "--patients", "3", "--size", "64"]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
