"""From a study in a real archive to its virtual DES images beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
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
    command = ["synthesize", "--dicomweb", orthanc.url, "--study", study, "--bundle", str(BUNDLE)]
    for _ in range(2):  # the second time changes nothing
        assert main(command) == 0
        assert capsys.readouterr().out.endswith(f"stored 4 virtual DES images in study {study}\n")
        headers = archive.headers(study)
        assert len(headers) == len(files) + 4
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


def test_what_cannot_be_synthesized_is_told_in_one_line(
    orthanc, write_mammogram, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    des = write_mammogram(tmp_path / "des.dcm", ImageType=["DERIVED", "PRIMARY", "", "RECOMBINED"], study="2.25.4712")
    Archive(orthanc.url).store(des)
    for more, message in (
        (["--study", "2.25.4712"], "study 2.25.4712: no low-energy image for presentation, CC or MLO, in it"),
        (["--study", "2.25.4712", "--bundle", str(tmp_path)], f"{tmp_path}: no bundle there; expected a folder"),
        (["--study", "Doe"], "study: 'Doe' is no UID; expected a StudyInstanceUID"),
    ):
        assert main(["synthesize", "--dicomweb", orthanc.url, "--bundle", str(BUNDLE), *more]) == 2
        error = capsys.readouterr().err
        assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert len(Archive(orthanc.url).headers("2.25.4712")) == 1
