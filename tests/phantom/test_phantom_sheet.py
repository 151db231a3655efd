import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TOOL = Path(__file__).resolve().parents[2] / "tools" / "phantom_sheet.py"


def _run(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_sheet_of_phantoms_alone(tmp_path):
    done = _run(tmp_path / "sheet.png", "--patients", 2, "--height", 64, "--columns", 2)
    assert done.returncode == 0, done.stderr
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape[0] == 2 * (64 + 4)
    assert (sheet[:64].max(), sheet[68:132].max()) > (100, 100)


@pytest.mark.slow
@pytest.mark.cdd_cesm
def test_real_pairs_stay_out_of_a_working_tree(tmp_path, cdd_cesm):
    (tmp_path / "tree" / ".git").mkdir(parents=True)
    small = ("--patients", 1, "--height", 64, "--real", cdd_cesm / "pairs")
    refused = _run(tmp_path / "tree" / "sheet.png", *small)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")
    assert "write a sheet with real images elsewhere" in refused.stderr
    assert not (tmp_path / "tree" / "sheet.png").exists()
    done = _run(tmp_path / "sheet.png", *small)
    assert done.returncode == 0, done.stderr
    # one phantom in two views, and two real pairs in the same row
    assert np.asarray(Image.open(tmp_path / "sheet.png"))[:, 260:].max() > 100
