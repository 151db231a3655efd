from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import (
    BreastProjectionXRayImageStorageForPresentation,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
)

from vdes.dicom import read_mammogram
from vdes.dicom.files import MOST_INFLATED, read_header
from vdes.dicom.image_facts import read_image_facts
from vdes.errors import InputError


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_header(path, ())
    message = str(error.value)
    assert message.startswith(f"{path}: ") and len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"PixelData": None}, "PixelData is missing"),
        ({"Rows": 60000, "Columns": 60000}, "Rows 60000, Columns 60000: no mammogram is that large"),
        ({"Rows": 7}, "PixelData: 48 bytes; expected 56 for Rows x Columns"),
        ({"Rows": None}, "no image: Rows and Columns are missing"),
        ({"NumberOfFrames": "40"}, "NumberOfFrames 40: expected one frame"),
        ({"PhotometricInterpretation": "RGB"}, "PhotometricInterpretation RGB: expected MONOCHROME1"),
        ({"BitsAllocated": 32}, "BitsAllocated 32, BitsStored 12: expected 8 or 16"),
        ({"BitsStored": 17}, "BitsAllocated 16, BitsStored 17: expected 8 or 16, no more stored"),
    ],
)
def test_what_the_header_shows_is_found_without_the_pixels(write_mammogram, tmp_path, attributes, message) -> None:
    assert message in refusal(write_mammogram(tmp_path / "a.dcm", **attributes))


def test_a_file_cut_off_anywhere_is_refused(write_mammogram, tmp_path: Path) -> None:
    whole = write_mammogram(tmp_path / "a.dcm").read_bytes()
    cut = tmp_path / "cut.dcm"
    for length in range(0, len(whole), 37):
        cut.write_bytes(whole[:length])
        refusal(cut)


def test_a_compressed_image_cut_off_is_refused(write_mammogram, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 4096, (60, 40))
    image = pydicom.dcmread(write_mammogram(tmp_path / "a.dcm", noise))
    image.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
    image.save_as(tmp_path / "a.dcm")
    assert read_mammogram(tmp_path / "a.dcm").pixels.shape == (60, 40)
    whole = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(whole[:-2000])
    assert "the compressed image is cut off or damaged" in refusal(tmp_path / "a.dcm")


def test_other_files_are_told_apart(write_mammogram, tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.dcm")
    with zipfile.ZipFile(tmp_path / "zip.dcm", "w") as archive:
        archive.writestr("a.txt", "x" * 1000)
    assert "not a DICOM file" in refusal(tmp_path / "zip.dcm")


def test_a_deflated_file_is_inflated_as_far_as_an_image_can_go(write_mammogram, tmp_path: Path) -> None:
    image = pydicom.dcmread(write_mammogram(tmp_path / "a.dcm"))
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    image.save_as(tmp_path / "deflated.dcm")
    one, other = (read_mammogram(tmp_path / name).pixels for name in ("a.dcm", "deflated.dcm"))
    np.testing.assert_array_equal(one, other)
    image.PixelData = bytes(MOST_INFLATED)
    image.save_as(tmp_path / "bomb.dcm")
    assert (tmp_path / "bomb.dcm").stat().st_size < 1 << 20
    assert "deflated: inflates to over 144 MiB" in refusal(tmp_path / "bomb.dcm")


def test_a_name_does_not_matter(write_mammogram, tmp_path: Path) -> None:
    assert read_header(write_mammogram(tmp_path / "1.2.840.113"), ("Modality",)).Modality == "MG"


def test_a_breast_projection_image_is_read_like_a_mammogram(write_mammogram, tmp_path: Path) -> None:
    """The newer object keeps window, rescale, spacing and laterality in functional groups."""
    stored = np.arange(24).reshape(6, 4) * 100
    classic = pydicom.dcmread(write_mammogram(tmp_path / "classic.dcm", stored, laterality="R"))
    shared, frame, image = Dataset(), Dataset(), classic
    for group, keywords in (
        ("FrameVOILUTSequence", ("WindowCenter", "WindowWidth")),
        ("PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept", "RescaleType")),
        ("FrameAnatomySequence", ()),
        ("FramePixelDataPropertiesSequence", ("ImagerPixelSpacing",)),
    ):
        item = Dataset()
        for keyword in keywords:
            item[keyword] = image[keyword]
            del image[keyword]
        if group == "FrameAnatomySequence":
            item.FrameLaterality = image.ImageLaterality
            del image.ImageLaterality
        setattr(shared if group != "FrameVOILUTSequence" else frame, group, [item])
    image.SharedFunctionalGroupsSequence, image.PerFrameFunctionalGroupsSequence = [shared], [frame]
    image.NumberOfFrames = "1"
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = BreastProjectionXRayImageStorageForPresentation
    image.save_as(tmp_path / "enhanced.dcm")
    facts = read_image_facts(tmp_path / "enhanced.dcm")
    assert (facts.laterality, facts.view, facts.pixel_size_mm, facts.raw) == ("R", "CC", 0.1, None)
    one, other = (read_mammogram(tmp_path / name).pixels for name in ("classic.dcm", "enhanced.dcm"))
    np.testing.assert_array_equal(one, other)


def test_flipped_bytes_raise_nothing_but_input_errors(write_mammogram, tmp_path: Path) -> None:
    whole = write_mammogram(tmp_path / "a.dcm").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = io.BytesIO(whole)
        for place in rng.integers(132, len(whole), 4):
            damaged.seek(int(place))
            damaged.write(rng.bytes(1))
        (tmp_path / "b.dcm").write_bytes(damaged.getvalue())
        try:
            facts = read_image_facts(tmp_path / "b.dcm")
            assert facts.rows * facts.columns <= 1 << 26
            read_mammogram(tmp_path / "b.dcm")
        except InputError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1
    assert refused > 30
