"""``vdes bundle list`` and ``path``; ``verify`` and ``pack`` are tested with what they call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdes.bundle.locate import CLONE
from vdes.cli import main

NAMES = [
    "breast_cesm_lesion_classification",
    "breast_cesm_real_vs_virtual_des",
    "breast_cesm_virtual_des_cyclegan",
    "breast_cesm_virtual_des_unet",
]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with two bundles, one of which has weights."""
    for name, weights in (("a_b_c", ["two.pt", "one.pt"]), ("d_e_f", [])):
        (tmp_path / name / "configs").mkdir(parents=True)
        (tmp_path / name / "configs" / "metadata.json").write_text(json.dumps({"version": "1.2.3"}))
        (tmp_path / name / "models").mkdir()
        for file in weights:
            (tmp_path / name / "models" / file).touch()
    return tmp_path


def test_the_bundles_of_a_folder_are_listed(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "list", "--bundles", str(mine)]) == 0
    lines = [str(mine), "  a_b_c 1.2.3, weights: one.pt, two.pt", "  d_e_f 1.2.3, weights: none"]
    assert capsys.readouterr().out.splitlines() == lines


def test_the_bundles_of_the_clone_are_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VDES_BUNDLES", raising=False)
    assert main(["bundle", "list"]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert Path(first) == CLONE and [line.split()[0] for line in others] == NAMES


def test_the_environment_names_a_folder_of_bundles(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VDES_BUNDLES", str(mine))
    assert main(["bundle", "path", "a_b_c"]) == 0
    assert capsys.readouterr().out == f"{mine / 'a_b_c'}\n"
    assert main(["bundle", "path", NAMES[0]]) == 2
    assert capsys.readouterr().err.startswith(f"error: {mine}: no bundle '{NAMES[0]}' in this folder; expected one of")


def test_a_folder_without_bundles_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "list", "--bundles", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path}: no bundle in this folder; expected") and error.count("\n") == 1
