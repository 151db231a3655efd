"""What needs the extra says so in one line, and what does not need it does not touch it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = (
    "import importlib.util as util; find = util.find_spec; "
    "util.find_spec = lambda name, *more: None if name == 'pydicom' else find(name, *more); "
    "import sys; from vdes.cli import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.parametrize(
    "command",
    [["datalist", "dicom", ".", "--output", "d.json"], ["phantom", "set", "--patients", "3", "--format", "dicom"]],
)
def test_a_missing_extra_is_told_before_anything_is_written(tmp_path: Path, command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "error: DICOM: pydicom is not installed; expected vdes with its extra: pip install 'vdes[dicom]'\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_other_formats_do_without_the_extra() -> None:
    modules = "vdes.data.inference_items, vdes.transforms.read_mammogram, vdes.transforms.save_virtual_des"
    program = (
        f"import {modules}, vdes.phantom.generate, sys; print([m for m in sys.modules if m.startswith('vdes.dicom')])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"
