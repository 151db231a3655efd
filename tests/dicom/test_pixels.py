from __future__ import annotations

from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from vdes.dicom import read_mammogram
from vdes.dicom.pixels import WHITE
from vdes.errors import InputError


def ramp(bits: int) -> np.ndarray:
    """Values over the whole range of the bits, with noise in the last ones."""
    rng = np.random.default_rng(0)
    values = np.linspace(0, (1 << bits) - 1, 70 * 50).reshape(70, 50) + rng.integers(-3, 4, (70, 50))
    return np.clip(np.round(values), 0, (1 << bits) - 1).astype(np.uint16)


def shown(path: Path) -> np.ndarray:
    return read_mammogram(path).pixels


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_every_transfer_syntax_gives_the_same_numbers(write_mammogram, tmp_path: Path, bits: int) -> None:
    stored = ramp(bits)
    plain = write_mammogram(tmp_path / "plain.dcm", stored, bits)
    expected = (stored / ((1 << bits) - 1) * WHITE).astype(np.float32)
    np.testing.assert_allclose(shown(plain), expected, atol=0.01)

    files = []
    for syntax, plugin in ((RLELossless, "pydicom"), (JPEGLSLossless, "pyjpegls"), (JPEG2000Lossless, "pylibjpeg")):
        image = pydicom.dcmread(plain)
        image.compress(syntax, encoding_plugin=plugin)
        files.append((syntax, tmp_path / f"{syntax.keyword}.dcm"))
        image.save_as(files[-1][1])
    files.append((JPEGLosslessSV1, jpeg_lossless(plain, tmp_path / "JPEGLosslessSV1.dcm")))
    image = pydicom.dcmread(plain)
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    files.append((ImplicitVRLittleEndian, tmp_path / "implicit.dcm"))
    image.save_as(files[-1][1])
    image = pydicom.dcmread(plain)
    image.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    image.PixelData = stored.astype(">u2").tobytes()
    files.append((ExplicitVRBigEndian, tmp_path / "big.dcm"))
    pydicom.dcmwrite(files[-1][1], image, implicit_vr=False, little_endian=False)

    for syntax, file in files:
        assert pydicom.dcmread(file).file_meta.TransferSyntaxUID == syntax
        np.testing.assert_array_equal(shown(file), shown(plain), err_msg=syntax.name)


def jpeg_lossless(source: Path, target: Path) -> Path:
    """Compress with GDCM, since pydicom has no encoder."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return target


def test_monochrome1_is_inverted(write_mammogram, tmp_path: Path) -> None:
    stored = ramp(12)
    light = write_mammogram(tmp_path / "2.dcm", stored)
    # without the shape the photometric interpretation decides, and against it the shape does, as in dcmtk
    dark = write_mammogram(
        tmp_path / "1.dcm", 4095 - stored, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape=None
    )
    np.testing.assert_allclose(shown(dark), shown(light), atol=0.01)
    for photometric, shape, pixels in (
        ("MONOCHROME1", "INVERSE", 4095 - stored),
        ("MONOCHROME1", "IDENTITY", stored),
        ("MONOCHROME2", "INVERSE", 4095 - stored),
    ):
        file = write_mammogram(
            tmp_path / "1.dcm", pixels, PhotometricInterpretation=photometric, PresentationLUTShape=shape
        )
        np.testing.assert_allclose(shown(file), shown(light), atol=0.01)


@pytest.mark.parametrize(
    ("attributes", "formula"),
    [
        # PS3.3 C.11.2.1.2: the three functions; of several windows the first counts
        ({"WindowCenter": "2191", "WindowWidth": "900"}, lambda x: (x - 2190.5) / 899 + 0.5),
        ({"WindowCenter": ["2191", "3000"], "WindowWidth": ["900", "10"]}, lambda x: (x - 2190.5) / 899 + 0.5),
        (
            {"WindowCenter": "2191", "WindowWidth": "900", "VOILUTFunction": "LINEAR_EXACT"},
            lambda x: (x - 2191) / 900 + 0.5,
        ),
        (
            {"WindowCenter": "2105", "WindowWidth": "380", "VOILUTFunction": "SIGMOID"},
            lambda x: 1 / (1 + np.exp(-4 * (x - 2105) / 380)),
        ),
        ({"WindowCenter": None, "WindowWidth": None}, lambda x: x / 4095),
        # rescale comes before the window, and a falling one does not turn the picture's window around
        (
            {"RescaleSlope": "0.5", "RescaleIntercept": "-100", "WindowCenter": "500", "WindowWidth": "800"},
            lambda x: (0.5 * x - 100 - 499.5) / 799 + 0.5,
        ),
        (
            {"RescaleSlope": "-1", "RescaleIntercept": "4095", "WindowCenter": "2048", "WindowWidth": "4096"},
            lambda x: (4095 - x) / 4095,
        ),
        (
            {"RescaleSlope": "2", "RescaleIntercept": "7", "WindowCenter": None, "WindowWidth": None},
            lambda x: x / 4095,
        ),
    ],
)
def test_rescale_and_window_are_those_of_the_standard(write_mammogram, tmp_path: Path, attributes, formula) -> None:
    stored = ramp(12)
    file = write_mammogram(tmp_path / "a.dcm", stored, **attributes)
    expected = np.clip(formula(stored.astype(float)), 0, 1) * WHITE
    np.testing.assert_allclose(shown(file), expected, atol=0.05)


def test_a_voi_lut_counts_before_a_window(write_mammogram, tmp_path: Path) -> None:
    stored = ramp(12)
    lut = Dataset()
    curve = np.round(1023 * np.linspace(0, 1, 3000) ** 2).astype("<u2")
    lut.LUTDescriptor = [3000, 500, 10]
    lut.add_new("LUTData", "OW", curve.tobytes())
    file = write_mammogram(tmp_path / "a.dcm", stored, VOILUTSequence=[lut], WindowCenter="10", WindowWidth="5")
    expected = curve[np.clip(stored.astype(int) - 500, 0, 2999)] / 1023 * WHITE
    np.testing.assert_allclose(shown(file), expected, atol=0.01)


def test_an_overshoot_of_lossy_compression_is_clipped(write_mammogram, tmp_path: Path) -> None:
    """A code stream of 16 bits in an image of 12 holds more than 4095; without their upper bits they are black."""
    stored = ramp(12).astype(int)
    overshooting = np.where(stored > 3000, stored + 1000, stored)
    for photometric, shape in (("MONOCHROME2", "IDENTITY"), ("MONOCHROME1", "INVERSE")):
        file = write_mammogram(
            tmp_path / "a.dcm", overshooting, 16, PhotometricInterpretation=photometric, PresentationLUTShape=shape,
            WindowCenter="2048", WindowWidth="4096", LossyImageCompression="01",
        )  # fmt: skip
        image = pydicom.dcmread(file)
        image.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
        image.file_meta.TransferSyntaxUID = JPEG2000
        image.BitsStored, image.HighBit = 12, 11
        image.save_as(file)
        expected = np.clip(overshooting, 0, 4095) / 4095 * WHITE
        np.testing.assert_allclose(shown(file), expected if shape == "IDENTITY" else WHITE - expected, atol=0.05)
        # decompressed by an archive, it says only that it once was lossy
        file = write_mammogram(
            tmp_path / "b.dcm", overshooting, PhotometricInterpretation=photometric, PresentationLUTShape=shape,
            LossyImageCompression="01",
        )  # fmt: skip
        np.testing.assert_allclose(shown(file), expected if shape == "IDENTITY" else WHITE - expected, atol=0.05)


def test_bits_that_lie_higher_are_shifted_down(write_mammogram, tmp_path: Path) -> None:
    stored = ramp(12).astype(int)
    plain = shown(write_mammogram(tmp_path / "a.dcm", stored))
    for shift in (1, 4):
        file = write_mammogram(tmp_path / "b.dcm", stored << shift, HighBit=11 + shift)
        np.testing.assert_array_equal(shown(file), plain)
        signed = {"PixelRepresentation": 1, "WindowCenter": "0", "WindowWidth": "4096"}
        file = write_mammogram(tmp_path / "c.dcm", ((stored - 2048) & 0xFFF) << shift, HighBit=11 + shift, **signed)
        np.testing.assert_allclose(shown(file), plain, atol=0.05)


def test_signed_values_and_overlays_in_unused_bits(write_mammogram, tmp_path: Path) -> None:
    values = ramp(12).astype(np.int32) - 2048
    window = {"WindowCenter": "0", "WindowWidth": "4096"}
    file = write_mammogram(tmp_path / "a.dcm", values & 0xFFF, PixelRepresentation=1, **window)
    np.testing.assert_allclose(shown(file), (values + 2048) / 4095 * WHITE, atol=0.05)
    plain = write_mammogram(tmp_path / "plain.dcm", ramp(12))
    marked = ramp(12) | np.uint16(0x8000)
    np.testing.assert_array_equal(shown(write_mammogram(tmp_path / "o.dcm", marked)), shown(plain))


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({}, 0.1),
        ({"PixelSpacing": ["0.09", "0.09"]}, 0.1),
        ({"ImagerPixelSpacing": None, "PixelSpacing": ["0.09", "0.09"]}, 0.09),
        ({"ImagerPixelSpacing": None}, None),
    ],
)
def test_pixel_size_is_that_at_the_detector(write_mammogram, tmp_path: Path, attributes, size) -> None:
    found = read_mammogram(write_mammogram(tmp_path / "a.dcm", **attributes)).pixel_size_mm
    assert found == size if size else np.isnan(found)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw: PresentationIntentType FOR PROCESSING"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2.1"}, "raw: Digital Mammography X-Ray Image Storage - For Proc"),
        ({"ImagerPixelSpacing": ["0.1", "0.2"]}, "expected square pixels"),
        ({"WindowWidth": "0"}, "Window Width must be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_shown_is_refused(write_mammogram, tmp_path: Path, attributes, message) -> None:
    file = write_mammogram(tmp_path / "a.dcm", **attributes)
    with pytest.raises(InputError, match=message) as error:
        read_mammogram(file)
    assert str(error.value).startswith(f"{file}: ") and len(str(error.value).splitlines()) == 1
