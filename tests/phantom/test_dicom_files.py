"""Phantoms as DICOM: the images of the PNG set, under the headers of two makers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.dicom_folder.datalist import write_dicom_datalist
from vdes.dicom import read_mammogram
from vdes.dicom.image_facts import read_image_facts
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.transforms.breast_mask import chest_wall_is_left
from vdes.transforms.paired_preprocessing import paired_preprocessing


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same three patients as PNG and as DICOM."""
    folder = tmp_path_factory.mktemp("phantoms")
    return {form: generate(folder / form, Settings(3, 0, 64, format=form)).parent for form in ("png", "dicom")}


@pytest.fixture(scope="module")
def files(sets: dict[str, Path]) -> list[Path]:
    return sorted((sets["dicom"] / "images").rglob("*.dcm"))


def test_dicom_shows_what_png_holds(sets: dict[str, Path], files: list[Path]) -> None:
    assert len(files) == 24
    for file in files:
        png = sets["png"] / "images" / file.parent.name / f"{file.stem}.png"
        expected = np.asarray(Image.open(png)) / 4095 * 65535
        shown = read_mammogram(file)
        np.testing.assert_allclose(shown.pixels, expected, atol=0.01)
        assert shown.pixel_size_mm == pytest.approx(240 / 64)


def test_the_datalist_states_what_is_read(sets: dict[str, Path]) -> None:
    datalist = Datalist.read(sets["dicom"] / "datalist.json").content()
    assert Datalist.read(sets["dicom"] / "datalist.json").intensity_range("des") == (0, 65535)
    items = [item for section in SECTIONS for item in datalist[section]]
    assert {Path(item["low_energy"]).suffix for item in items} == {".dcm"}
    assert {Path(item["lesion_mask"]).suffix for item in items if item["lesion_mask"]} == {".png"}
    assert datalist["physical_scales"]["iodine"]["step"] == 2e-4
    Datalist.read(sets["dicom"] / "datalist.json").section("training")  # masks have the size of their images


def test_training_sees_the_same_pairs(sets: dict[str, Path]) -> None:
    cases = {}
    for form, datalist in ((name, folder / "datalist.json") for name, folder in sets.items()):
        low_energy, des = (Datalist.read(datalist).intensity_range(modality) for modality in ("low_energy", "des"))
        preprocess = paired_preprocessing(64, 48, low_energy, des, pixel_size_mm=4.0, register=False)
        cases[form] = [preprocess(item) for item in Datalist.read(datalist).section("training")]
    assert len(cases["png"]) == len(cases["dicom"]) == 4
    for one, other in zip(*cases.values(), strict=True):
        assert one["case"] == other["case"]
        for key in ("image", "label", "breast_mask", "lesion_mask"):
            np.testing.assert_allclose(one[key], other[key], atol=1e-5)


def test_the_makers_differ_where_real_ones_do(files: list[Path]) -> None:
    headers = {file.name: pydicom.dcmread(file, stop_before_pixels=True) for file in files}
    ge, hologic = headers["P1_L_CC_low_energy.dcm"], headers["P2_L_CC_low_energy.dcm"]
    assert ge.Manufacturer.startswith("GE") and hologic.Manufacturer.startswith("HOLOGIC")
    assert (ge.PhotometricInterpretation, hologic.PhotometricInterpretation) == ("MONOCHROME2", "MONOCHROME1")
    assert len(ge.WindowCenter) == 3 and "VOILUTSequence" in hologic and "WindowCenter" not in hologic
    evidence = {name: read_image_facts(file).kind.evidence for name, file in zip(headers, files, strict=True)}
    assert evidence["P1_R_MLO_des.dcm"] == "ImageType RECOMBINED"
    assert evidence["P2_R_MLO_des.dcm"] == "KVP 49, SeriesDescription I-VIEW"


def test_pairs_are_found_from_the_headers_alone(sets: dict[str, Path], tmp_path: Path) -> None:
    found = write_dicom_datalist(sets["dicom"] / "images", tmp_path / "found.json")
    stated = Datalist.read(sets["dicom"] / "datalist.json")

    def pairs(datalist: Datalist) -> set[tuple[str, ...]]:
        return {(i["low_energy"], i["des"], i["laterality"], i["view"]) for i in datalist.items()}

    assert pairs(found) == pairs(stated) and len(pairs(found)) == 12
    assert {entry["what"] for entry in found.fields["report"]["left_out"]} == {"not a DICOM file (no DICM at byte 128)"}


def test_orientation_agrees_with_the_picture(files: list[Path]) -> None:
    for file in files:
        header = pydicom.dcmread(file, stop_before_pixels=True)
        breast = (read_mammogram(file).pixels > 0).astype(float)
        # rows run from the chest wall to the nipple where the chest wall is at the left
        assert (header.PatientOrientation[0] == "A") == chest_wall_is_left(breast) == (header.ImageLaterality == "L")


def test_equal_settings_give_equal_bytes(sets: dict[str, Path], tmp_path: Path) -> None:
    generate(tmp_path / "again", Settings(3, 0, 64, format="dicom"))
    other = generate(tmp_path / "other", Settings(3, 1, 64, format="dicom")).parent

    def hashes(folder: Path) -> dict[str, str]:
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*.dcm")}

    assert hashes(tmp_path / "again") == hashes(sets["dicom"])
    studies = {
        folder: pydicom.dcmread(folder / "images" / "P1" / "P1_L_CC_des.dcm").StudyInstanceUID
        for folder in (sets["dicom"], other)
    }
    assert len(set(studies.values())) == 2


def test_every_object_is_valid(files: list[Path], dciodvfy) -> None:
    assert {file.name: dciodvfy(file) for file in files} == {file.name: [] for file in files}


def test_a_series_has_one_frame_of_reference(files: list[Path]) -> None:
    frames: dict[str, set[str]] = {}
    for file in files:
        header = pydicom.dcmread(file, stop_before_pixels=True)
        frames.setdefault(header.SeriesInstanceUID, set()).add(header.FrameOfReferenceUID)
    assert all(len(found) == 1 for found in frames.values()) and len(frames) == 24
