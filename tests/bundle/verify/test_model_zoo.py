"""The model zoo's own verification of all bundles, in full mode and with its lists of exceptions as they are."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vdes.bundle.verify

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[3]
BUNDLES = sorted(path.parent.parent.name for path in PROJECT.glob("bundles/*/configs/metadata.json"))
SCHEMA = Path(vdes.bundle.verify.__file__).parent / "schemas" / "bundle_metadata.json"


@pytest.mark.parametrize("name", BUNDLES)
def test_the_model_zoo_verifies_the_bundle(name: str, pytestconfig: pytest.Config, tmp_path: Path) -> None:
    zoo = pytestconfig.getoption("--model-zoo")
    if zoo is None:
        pytest.skip("no checkout of the model zoo: --model-zoo FOLDER gives one")
    shutil.copytree(zoo / "ci", tmp_path / "ci")
    models = tmp_path / "models"
    shutil.copytree(PROJECT / "bundles" / name, models / name)  # what links name is copied
    shutil.copy(zoo / "models" / "model_info.json", models)
    # where it is there, it is not downloaded
    (models / name / "eval").mkdir()
    shutil.copy(SCHEMA, models / name / "eval" / "schema.json")
    command = [sys.executable, "ci/verify_bundle.py", "-b", name, "-p", "models", "-m", "full"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "export weights into TorchScript module successfully." in done.stdout
