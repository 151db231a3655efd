from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from bench import training

from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

pytestmark = pytest.mark.slow


def test_an_epoch_is_compared_with_bare_passes(
    tmp_path: Path, process_as_it_was: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    datalist = generate(tmp_path / "phantoms", Settings(4, 0, 64))
    monkeypatch.setattr(sys, "argv", ["training", "--datalist", str(datalist), "--height", "64", "--epochs", "2"])
    training.main()
    _machine, steps, bare, epoch = capsys.readouterr().out.splitlines()[-4:]
    assert steps == "2 steps of 4 images an epoch, float32"  # 8 pairs for training
    assert re.fullmatch(r"forward and backward alone: \d+\.\d s", bare)
    found = re.fullmatch(r"an epoch: \d+\.\d s, ([\d.]+) times as long \(([\d.]+) to ([\d.]+)\)", epoch)
    assert found is not None
    median, lowest, highest = map(float, found.groups())
    assert 0.3 < lowest <= median <= highest
