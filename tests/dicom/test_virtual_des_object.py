from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from vdes.dicom import Model, read_mammogram, virtual_des_object
from vdes.dicom.image_facts import read_image_facts
from vdes.dicom.kinds import VIRTUAL_DES
from vdes.dicom.virtual_des_object import COMPRESSIONS
from vdes.errors import InputError

MODEL = Model("breast_cesm_virtual_des_unet", "0.1.0", "ab" * 32)
SHAPE = (80, 60)


@pytest.fixture
def low_energy(write_mammogram, tmp_path: Path) -> Path:
    """A right MLO view, with what must and what must not come over to the virtual DES image."""
    nested = Dataset()
    nested.CodeValue, nested.CodingSchemeDesignator, nested.CodeMeaning = "R-102D6", "SRT", "Magnification"
    nested.private_block(0x0045, "VENDOR", create=True).add_new(0x01, "LO", "nested secret")
    file = write_mammogram(
        tmp_path / "le.dcm", np.zeros(SHAPE), laterality="R", view="MLO", study="2.25.77",
        AccessionNumber="A1", PatientBirthDate="19500101", PatientSex="F", StudyDate="20200102", StudyTime="101000",
        ImagerPixelSpacing=["0.07", "0.07"], InstanceNumber=4, SeriesNumber=3, KVP="29", EntranceDoseInmGy="6",
        OrganDose="0.02", ExposureInuAs=40000, StationName="MAMMO1",
        SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jörg",
    )  # fmt: skip
    image = pydicom.dcmread(file)
    image.ViewCodeSequence[0].ViewModifierCodeSequence = [nested]
    image.private_block(0x0045, "VENDOR", create=True).add_new(0x01, "LO", "secret")
    image.save_as(file)
    return file


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Values from 0 to 1 that no mirror image has."""
    return np.random.default_rng(0).random(SHAPE).astype(np.float32)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_pixels_survive_the_round_trip_exactly(low_energy, values, tmp_path, dciodvfy, compression) -> None:
    file = tmp_path / "v.dcm"
    virtual_des_object(low_energy, values, MODEL, compression).save_as(file, enforce_file_format=True)
    stored = np.round(values * 4095)
    np.testing.assert_array_equal(pydicom.dcmread(file).pixel_array, stored)
    np.testing.assert_allclose(read_mammogram(file).pixels, stored / 4095 * 65535, atol=0.01)
    assert pydicom.dcmread(file).file_meta.TransferSyntaxUID == (COMPRESSIONS[compression] or "1.2.840.10008.1.2.1")
    assert dciodvfy(file) == []


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_simpleitk_reads_the_same_pixels(low_energy, values, tmp_path, compression) -> None:
    itk = pytest.importorskip("SimpleITK", reason="no package SimpleITK")
    virtual_des_object(low_energy, values, MODEL, compression).save_as(tmp_path / "v.dcm", enforce_file_format=True)
    image = itk.ReadImage(str(tmp_path / "v.dcm"))
    np.testing.assert_array_equal(itk.GetArrayFromImage(image)[0], np.round(values * 4095))
    assert image.GetSpacing()[:2] == pytest.approx((0.07, 0.07))
    assert image.GetMetaData("0008|0060").strip() == "MG"


def test_it_lies_beside_its_low_energy_image(low_energy, values) -> None:
    source, made = pydicom.dcmread(low_energy), virtual_des_object(low_energy, values, MODEL)
    for keyword in (
        "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
        "AccessionNumber", "FrameOfReferenceUID", "ImageLaterality", "ViewPosition", "PatientOrientation",
        "ImagerPixelSpacing", "Rows", "Columns", "InstanceNumber", "AcquisitionDate", "AcquisitionTime",
        "SpecificCharacterSet",
    ):  # fmt: skip
        assert made[keyword] == source[keyword], keyword
    assert made.ViewCodeSequence[0].CodeValue == "399368009"
    assert made.ViewCodeSequence[0].ViewModifierCodeSequence[0].CodeMeaning == "Magnification"
    assert made.SOPInstanceUID == made.file_meta.MediaStorageSOPInstanceUID
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        assert made[keyword].value != source[keyword].value and made[keyword].value.is_valid
    assert made.SeriesNumber == 9003


def test_it_says_what_it_is_and_what_made_it(low_energy, values, tmp_path) -> None:
    source, made = pydicom.dcmread(low_energy), virtual_des_object(low_energy, values, MODEL)
    assert made.SyntheticData == "YES" and made.ContentQualification == "RESEARCH"
    assert list(made.ImageType[:4]) == ["DERIVED", "PRIMARY", "", "GENERATED_2D"]
    assert "AI-generated" in made.SeriesDescription and "not for diagnosis" in made.SeriesDescription
    for text in (MODEL.name, MODEL.version, MODEL.weights_sha256, "Not for diagnosis"):
        assert text in made.DerivationDescription
    [reference] = made.SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    [equipment] = made.ContributingEquipmentSequence
    assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
    # so that no one takes it for a DES image, vdes itself included
    made.save_as(tmp_path / "v.dcm", enforce_file_format=True)
    assert read_image_facts(tmp_path / "v.dcm").kind.name == VIRTUAL_DES
    with pytest.raises(InputError, match="is a virtual_des image"):
        virtual_des_object(tmp_path / "v.dcm", values, MODEL)


def test_nothing_of_the_acquisition_comes_over(low_energy, values) -> None:
    made = virtual_des_object(low_energy, values, MODEL)
    for keyword in ("KVP", "EntranceDoseInmGy", "OrganDose", "ExposureInuAs", "StationName"):
        assert keyword in pydicom.dcmread(low_energy) and keyword not in made, keyword
    private = [element.tag for element in made.iterall() if element.tag.is_private]
    assert private == [] and "secret" not in str(made)
    assert made.Manufacturer == "vdes"


def test_uids_follow_from_the_low_energy_image_and_the_model(low_energy, values) -> None:
    def uids(file: Path = low_energy, pixels: np.ndarray = values, model: Model = MODEL, how: str = "none"):
        made = virtual_des_object(file, pixels, model, how)
        return made.SOPInstanceUID, made.SeriesInstanceUID

    instance, series = uids()
    assert uids(how="jpeg-ls") == (instance, series)
    # another processor, or another engine
    assert uids(pixels=np.nextafter(values, 2).astype(np.float32)) == (instance, series)
    others = [
        replace(MODEL, weights_sha256="cd" * 32),
        replace(MODEL, version="0.2.0"),
        replace(MODEL, settings="height 256"),
    ]
    found = [(instance, series), *(uids(model=model) for model in others)]
    assert len({one for one, _ in found}) == len({one for _, one in found}) == 4
    image = pydicom.dcmread(low_energy)
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "2.25.78"
    image.save_as(low_energy)
    other_instance, same_series = uids()
    assert other_instance != instance and same_series == series


def test_dcmtk_reads_it(low_energy, values, tmp_path, dcmdump) -> None:
    virtual_des_object(low_energy, values, MODEL).save_as(tmp_path / "v.dcm", enforce_file_format=True)
    text = dcmdump(tmp_path / "v.dcm")
    assert "[DERIVED\\PRIMARY\\\\GENERATED_2D\\]" in text and f"US {SHAPE[0]} " in text


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "", "RECOMBINED"]}, "is a des image (ImageType RECOMBINED)"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw: PresentationIntentType FOR PROCESSING"),
        ({"ImageLaterality": None}, "ImageLaterality None, ViewPosition CC; expected L or R, CC or MLO"),
        ({"ViewPosition": "ML", "ViewCodeSequence": None}, "ViewPosition ML; expected L or R, CC or MLO"),
        ({"ImagerPixelSpacing": None}, "ImagerPixelSpacing is missing"),
        ({}, "Rows and Columns are 6 x 4; expected (80, 60)"),
    ],
)
def test_a_source_that_does_not_fit_is_refused(write_mammogram, values, tmp_path, attributes, message) -> None:
    file = write_mammogram(tmp_path / "a.dcm", **attributes)
    with pytest.raises(InputError) as error:
        virtual_des_object(file, values, MODEL)
    assert str(error.value).startswith(f"{file}: ") and message in str(error.value)
    with pytest.raises(InputError, match="compression: 'zip'; expected one of none, jpeg-2000, jpeg-ls, rle"):
        virtual_des_object(file, values, MODEL, "zip")
