"""Tests for `vdes.data.checkpoint`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vdes.data.checkpoint import CHECKPOINT, damage, is_whole, sealed_state
from vdes.data.training_record import sealed

STATE = {"network": {"weight": torch.arange(40.0)}, "run": {"seed": 0}, "progress": {"epoch": 2}}


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """The folder of a training with a checkpoint and the weights that it has kept, with their record."""
    torch.save(sealed_state(STATE), tmp_path / CHECKPOINT)
    torch.save(STATE["network"], tmp_path / "model.pt")
    (tmp_path / "model.json").write_text(sealed({"images": [], "ancestors": []}, tmp_path / "model.pt"))
    return tmp_path


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def test_every_change_of_a_state_breaks_its_seal() -> None:
    assert is_whole(sealed_state(STATE)) and not is_whole(STATE)
    for change in ({"network": {"weight": torch.arange(40.0) + 1}}, {"progress": {"epoch": 3}}, {"more": 1}):
        assert not is_whole({**sealed_state(STATE), **change})


def test_what_is_whole_goes_on(interrupted: Path, tmp_path: Path) -> None:
    assert damage(interrupted) is None
    assert damage(tmp_path / "nothing there yet") is None


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:900]),
    "empty": lambda file: file.write_bytes(b""),
    "zeroed": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    "flipped": lambda file: flip(file, file.read_bytes().find(STATE["network"]["weight"].numpy().tobytes()) + 17),
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", [CHECKPOINT, "model.pt"])
def test_a_damaged_file_of_a_training_is_named(interrupted: Path, name: str, change: Callable[[Path], object]) -> None:
    change(interrupted / name)
    assert (damage(interrupted) or "").startswith(name)


def test_kept_weights_that_were_lost_or_whose_record_was_edited_are_named(interrupted: Path) -> None:
    flip(interrupted / "model.json", 40)
    assert damage(interrupted) == "model.pt or its record is damaged"
    (interrupted / "model.pt").unlink()
    assert damage(interrupted) == "model.pt or its record is damaged"


def test_the_checkpoints_and_weights_of_other_programs_are_left_alone(interrupted: Path) -> None:
    (interrupted / "model.json").unlink()
    assert damage(interrupted) is None
    torch.save({"state_dict": {}}, interrupted / CHECKPOINT)
    assert damage(interrupted) is None


def test_weights_or_a_record_that_a_training_has_kept_and_that_are_lost_are_named(interrupted: Path) -> None:
    kept = {**STATE, "progress": {"epoch": 2, "best_metric_epoch": 1}}
    torch.save(sealed_state(kept), interrupted / CHECKPOINT)
    assert damage(interrupted) is None
    (interrupted / "model.json").unlink()
    assert damage(interrupted) == "the record of model.pt is lost"
    (interrupted / "model.pt").unlink()
    assert damage(interrupted) == "the weights that it has kept are lost"
    nothing_yet = {**STATE, "progress": {"epoch": 2, "best_metric_epoch": -1}}
    torch.save(sealed_state(nothing_yet), interrupted / CHECKPOINT)
    assert damage(interrupted) is None
