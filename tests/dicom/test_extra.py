"""Without the extra `dicom` all but compressed files and archives works; these say what to add."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless

from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

EXTRA = ("gdcm", "jpeg_ls", "pylibjpeg", "openjpeg", "dicomweb_client")
IMPORT_ALL = """
import importlib, pkgutil, vdes
from vdes.errors import InputError
for module in pkgutil.walk_packages(vdes.__path__, "vdes."):
    if module.name.endswith("__main__"):
        continue  # it runs the command line
    try:
        importlib.import_module(module.name)
    except InputError as error:
        print(module.name, error, sep=": ")
"""
WRITER = "from vdes.dicom.virtual_des_writer import VirtualDesWriter as Writer; "
INSTALL = "is not installed; expected vdes with its extra: pip install 'vdes[dicom]'"


def without_the_extra(tmp_path: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program where what the extra installs is missing, in the processes that it starts too."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({EXTRA}))\n")
    path = os.pathsep.join([str(hidden), *filter(None, [os.environ.get("PYTHONPATH")])])
    work = tmp_path / "work"
    work.mkdir()
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=work,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def command(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line without the extra."""
    return without_the_extra(tmp_path, "import sys; from vdes.cli import main; sys.exit(main(sys.argv[1:]))", *words)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of DICOM studies, not compressed."""
    settings = Settings(3, 0, 64, format="dicom")
    return generate(tmp_path_factory.mktemp("studies") / "set", settings).parent / "images"


@pytest.mark.slow
def test_all_modules_but_three_are_imported_without_the_extra(tmp_path: Path) -> None:
    done = without_the_extra(tmp_path, IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"vdes.bundle.synthesize_study: DICOMweb: dicomweb_client {INSTALL}",
        f"vdes.dicom.archive: DICOMweb: dicomweb_client {INSTALL}",
        f"vdes.dicom.jpeg_extended: JPEG Extended: gdcm {INSTALL}",
    ]


def test_phantoms_in_dicom_need_no_extra(tmp_path: Path) -> None:
    done = command(tmp_path, "phantom", "set", "--patients", "3", "--size", "64", "--format", "dicom")
    assert done.returncode == 0, done.stderr


def test_a_folder_of_studies_that_are_not_compressed_needs_no_extra(studies: Path, tmp_path: Path) -> None:
    done = command(tmp_path, "datalist", "dicom", str(studies), "--output", "d.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "work" / "d.json").is_file()


def test_a_compressed_file_stops_the_listing_of_its_folder(studies: Path, tmp_path: Path) -> None:
    """It is not left out: that would leave out a whole scanner's images."""
    source = next(studies.rglob("*_des.dcm"))
    image = pydicom.dcmread(source)
    image.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    file = tmp_path / "studies" / "a.dcm"
    file.parent.mkdir()
    image.save_as(file)
    done = command(tmp_path, "datalist", "dicom", str(file.parent), "--output", "d.json")
    assert done.returncode == 2
    syntax = JPEG2000Lossless.name
    assert done.stderr.splitlines()[-1] == f"error: {file}: transfer syntax {syntax}: pylibjpeg {INSTALL}"
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (WRITER + "Writer('a', '1', None, 'rle', False)", ""),
        (WRITER + "Writer('a', '1', None, 'jpeg-ls', False)", f"compression: jpeg-ls: jpeg_ls {INSTALL}"),
        (WRITER + "Writer('a', '1', None, 'none', True)", ""),
        ("import vdes.dicom.archive", f"DICOMweb: dicomweb_client {INSTALL}"),
    ],
    ids=["rle", "jpeg-ls", "de-identified", "archive"],
)
def test_what_needs_the_extra_says_so_before_it_begins(tmp_path: Path, program: str, reason: str) -> None:
    done = without_the_extra(tmp_path, program)
    assert (done.stderr.splitlines() or [""])[-1].removeprefix("vdes.errors.InputError: ") == reason
