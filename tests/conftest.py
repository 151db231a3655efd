"""Shared fixtures."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CDD_CESM = Path(__file__).resolve().parents[2] / "shared" / "data" / "cdd_cesm"


@pytest.fixture(scope="session")
def cdd_cesm() -> Path:
    """The folder of CDD-CESM development images; the test is skipped where it is absent."""
    if not CDD_CESM.is_dir():
        pytest.skip(f"no CDD-CESM development images: {CDD_CESM.relative_to(CDD_CESM.parents[3])} does not exist")
    return CDD_CESM


@pytest.fixture(scope="session")
def write_mammogram() -> Callable[..., Path]:
    """Write a mammogram in DICOM; keywords set attributes, and None deletes one."""
    from pydicom.uid import generate_uid

    from vdes.dicom.mg_object import mammogram_object

    def write(
        path: Path,
        stored: np.ndarray | None = None,
        bits: int = 12,
        laterality: str = "L",
        view: str = "CC",
        study: str = "2.25.1",
        **attributes: Any,
    ) -> Path:
        if stored is None:
            stored = np.arange(6 * 4).reshape(6, 4) * 100
        image = mammogram_object(stored.astype(np.uint16), bits, generate_uid(), laterality, view, 0.1)
        image.PatientID = image.PatientName = "Doe"
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, "2.25.2", "2.25.3"
        image.ImageType = ["DERIVED", "PRIMARY", "", "LOW_ENERGY"]
        image.AcquisitionDate, image.AcquisitionTime = "20200102", "101500"
        for keyword, value in attributes.items():
            if value is None:
                del image[keyword]
            else:
                setattr(image, keyword, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture(scope="session")
def dciodvfy() -> Callable[[Path], list[str]]:
    """The errors that dciodvfy of dicom3tools finds in an object, less the one that it does not know better.

    Its edition of 2022 is older than SyntheticData (0008,001C).
    """
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("no dciodvfy: install Debian's dicom3tools")

    def errors(path: Path) -> list[str]:
        done = subprocess.run([program, str(path)], capture_output=True, text=True, errors="replace")
        lines = (done.stdout + done.stderr).splitlines()
        assert "MammographyImageForPresentation" in lines  # it knew what it validated
        found = [line for line in lines if line.startswith(("Error", "Abort"))]
        return [line for line in found if not ("(0x0008,0x001c)" in line and "not a recognized standard" in line)]

    return errors


@pytest.fixture(scope="session")
def dcmdump() -> Callable[[Path], str]:
    """What dcmtk's dcmdump prints of an object."""
    program = shutil.which("dcmdump")
    if program is None:
        pytest.skip("no dcmdump: install Debian's dcmtk")

    def dump(path: Path) -> str:
        done = subprocess.run([program, str(path)], capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return dump
