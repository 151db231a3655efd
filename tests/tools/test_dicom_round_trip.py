"""The documented script, from phantoms to an archive and back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_script_ends_with_virtual_des_beside_its_low_energy_images(orthanc, dciodvfy, tmp_path: Path) -> None:
    if not (ROOT / "bundles" / "breast_cesm_virtual_des_unet" / "models" / "model.pt").is_file():
        pytest.skip("no weights: models/model.pt does not exist")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", str(ROOT / "tools" / "dicom_round_trip.sh"), str(tmp_path / "out"), "128"]
    environment = {**os.environ, "PATH": path, "ORTHANC_PORT": str(port)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert "dciodvfy: no error in 12 objects" in lines
    assert any(line.startswith("stored 4 virtual DES images in study ") for line in lines)
    assert lines[lines.index("== the series of the study") + 1 :] == [
        *["CESM low energy"] * 4,
        *["CESM recombined"] * 4,
        *["Virtual DES, AI-generated, not for diagnosis"] * 4,
    ]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 2  # the folder is in use
