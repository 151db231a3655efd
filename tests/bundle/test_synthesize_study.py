"""From a study in a real archive to its virtual DES images beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from scipy.ndimage import binary_dilation, binary_erosion

from vdes.cli import main
from vdes.dicom import read_mammogram
from vdes.dicom.archive import Archive
from vdes.dicom.kinds import VIRTUAL_DES, kind_of
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_virtual_des_unet"


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of three patients, of GE, Hologic and GE."""
    settings = Settings(3, 0, 128, format="dicom")
    return generate(tmp_path_factory.mktemp("phantoms") / "set", settings).parent / "images"


@pytest.mark.slow
@pytest.mark.parametrize("patient", ["P1", "P2"])
def test_virtual_des_lies_in_the_study_of_its_low_energy_image(
    orthanc, phantoms: Path, tmp_path: Path, dciodvfy, capsys: pytest.CaptureFixture[str], patient: str
) -> None:
    if not (BUNDLE / "models" / "model.pt").is_file():
        pytest.skip("no weights: models/model.pt does not exist")
    archive = Archive(orthanc.url)
    files = sorted((phantoms / patient).glob("*.dcm"))
    for file in files:
        archive.store(file)
    study = pydicom.dcmread(files[0]).StudyInstanceUID
    odd = _odd_images(files[0], tmp_path)
    for file in odd.values():
        archive.store(file)
    command = ["synthesize", "--dicomweb", orthanc.url, "--study", study, "--bundle", str(BUNDLE)]
    for _ in range(2):  # the second time changes nothing
        assert main(command) == 0
        printed = capsys.readouterr().out
        assert printed.endswith(f"stored 4 virtual DES images in study {study}\n")
        for reason, file in odd.items():
            assert f"left out: {pydicom.dcmread(file).SOPInstanceUID}: {reason}" in printed
        headers = archive.headers(study)
        assert len(headers) == len(files) + len(odd) + 4
    low_energy = {str(pydicom.dcmread(file).SOPInstanceUID): file for file in files if "low_energy" in file.name}
    made = [header for header in headers if kind_of(header).name == VIRTUAL_DES]
    sources = [header.SourceImageSequence[0].ReferencedSOPInstanceUID for header in made]
    assert set(sources) == low_energy.keys() and len(sources) == 4
    for header, source in zip(made, sources, strict=True):
        archive.fetch(header, tmp_path / "v.dcm")
        assert dciodvfy(tmp_path / "v.dcm") == []
        shown, below = read_mammogram(tmp_path / "v.dcm").pixels, read_mammogram(low_energy[source]).pixels
        assert shown.shape == below.shape
        # on the same pixels: what is shown is the breast of the low-energy image, but for a blurred edge
        assert not shown[~binary_dilation(below > 0, iterations=4)].any()
        assert (shown[binary_erosion(below > 0, iterations=4)] > 0).mean() > 0.99
        assert not np.array_equal(shown, below)


def _odd_images(good: Path, folder: Path) -> dict[str, Path]:
    """Write images that nothing can be made of, as they lie beside good ones in archives, by the reason for each."""
    changes: dict[str, dict[str, Any]] = {
        "NumberOfFrames 3: expected one frame": {"NumberOfFrames": "3"},
        "ImagerPixelSpacing is missing": {"ImagerPixelSpacing": None},
        "PatientOrientation is missing": {"PatientOrientation": None},
        "ViewPosition ML; expected CC or MLO": {"ViewPosition": "ML", "ViewCodeSequence": None},
    }
    files = {}
    for reason, attributes in changes.items():
        image = pydicom.dcmread(good)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.ImageType = ["ORIGINAL", "PRIMARY", "", "LOW_ENERGY"]
        image.KVP = "29"
        for keyword, value in attributes.items():
            setattr(image, keyword, value)
        files[reason] = folder / f"{len(files)}.dcm"
        image.save_as(files[reason])
    return files


def test_a_study_of_odd_images_alone_is_told_image_by_image(
    orthanc, write_mammogram, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_mammogram(tmp_path / "good.dcm", study="2.25.4713")
    for file in _odd_images(good, tmp_path).values():
        Archive(orthanc.url).store(file)
    study = ["--study", "2.25.4713", "--bundle", str(BUNDLE)]
    assert main(["synthesize", "--dicomweb", orthanc.url, *study]) == 2
    error = capsys.readouterr().err
    assert "no low-energy image for presentation, CC or MLO, in it; 1.2.826.0.1" in error
    assert str(tmp_path.parent) not in error and error.count("\n") == 1


def test_what_cannot_be_synthesized_is_told_in_one_line(
    orthanc, write_mammogram, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    des = write_mammogram(tmp_path / "des.dcm", ImageType=["DERIVED", "PRIMARY", "", "RECOMBINED"], study="2.25.4712")
    Archive(orthanc.url).store(des)
    for more, message in (
        (
            ["--study", "2.25.4712", "--bundle", str(BUNDLE)],
            "study 2.25.4712: no low-energy image for presentation, CC or MLO, in it",
        ),
        (["--study", "2.25.4712", "--bundle", str(tmp_path)], f"{tmp_path}: no bundle there; expected a folder"),
        (["--study", "Doe", "--bundle", str(BUNDLE)], "study: 'Doe' is not a UID; expected a StudyInstanceUID"),
    ):
        assert main(["synthesize", "--dicomweb", orthanc.url, *more]) == 2
        error = capsys.readouterr().err
        assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert len(Archive(orthanc.url).headers("2.25.4712")) == 1
