"""The picture that a DICOM mammogram shows, with the same values whatever its encoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, pixels
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from vdes.dicom.extra import need_plugin
from vdes.dicom.files import damage_as_input_error, read_whole
from vdes.dicom.lut import lut_of
from vdes.dicom.values import DamageError, number_of, numbers_of, text_of
from vdes.errors import InputError

WHITE = 65535.0
# pydicom takes whichever decoder is installed; with fixed ones the values do not depend on the installation
_DECODERS = {
    JPEGBaseline8Bit: "gdcm",
    JPEGExtended12Bit: "gdcm",
    JPEGLossless: "gdcm",
    JPEGLosslessSV1: "gdcm",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
}
# after these, values can exceed the range of the stored bits
_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000, HTJ2K)


@dataclass(frozen=True)
class Mammogram:
    """A mammogram as it is displayed.

    Attributes:
        pixels: (H, W), float32, rows from top to bottom; 0 is black and `WHITE` is white.
        pixel_size_mm: NaN if the file does not state it.
    """

    pixels: npt.NDArray[np.float32]
    pixel_size_mm: float


def read_mammogram(path: str | Path) -> Mammogram:
    """Read the picture that a mammogram for presentation shows: what a workstation displays first.

    Stored values pass through the rescale (or modality LUT), then through the first VOI LUT or, without one, the first
    window with its function (LINEAR, LINEAR_EXACT or SIGMOID). Images displayed in reverse, according to
    PresentationLUTShape or, without it, MONOCHROME1, are inverted, so that bright means attenuating. Without LUT and
    window, the whole range of the stored bits is shown.

    Args:
        path: a DICOM file; its name does not matter.

    Raises:
        InputError: the file is damaged, is not a single grey image, cannot be decoded, or is raw (For Processing):
            networks are not trained on raw values. A compressed file may need the extra ``dicom``.
    """
    path = Path(path)
    dataset = read_whole(path)
    with damage_as_input_error(path):
        raw = raw_reason(dataset)
        if raw:
            raise InputError(f"{path}: {raw}")
        _need_decoder(path, dataset)
        stored = decode(dataset)
        table, lowest = display_table(dataset)
        shown = table[stored - lowest]
        return Mammogram(shown, pixel_size_mm(dataset))


def _need_decoder(path: Path, dataset: Dataset) -> None:
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID") or "")
    need_plugin(f"{path}: transfer syntax {syntax.name}", _DECODERS.get(syntax, ""))


def raw_reason(header: Dataset) -> str | None:
    """Return why an image is raw and not for display, or None.

    Args:
        header: SOPClassUID, PresentationIntentType and ImageType, as far as the object has them.
    """
    if text_of(header, "PresentationIntentType").upper() == "FOR PROCESSING":
        return "raw: PresentationIntentType FOR PROCESSING; expected an image for presentation"
    name = UID(text_of(header, "SOPClassUID")).name
    if "For Processing" in name:
        return f"raw: {name}; expected an image for presentation"
    return None


def is_lossy(dataset: Dataset) -> bool:
    """Return whether an image is or once was lossily compressed."""
    if text_of(dataset, "LossyImageCompression") == "01":
        return True
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    # the last two can also be lossless; LossyImageCompression is then 00
    return syntax in _LOSSY[:3] or (syntax in _LOSSY and text_of(dataset, "LossyImageCompression") != "00")


def decode(dataset: Dataset) -> npt.NDArray[np.int32]:
    """Return the stored values (H, W).

    Bits above HighBit, which may hold old overlays, are cleared, as in dcmtk. After lossy compression, a value above
    the range is an overshoot and is clipped instead.

    Raises:
        DamageError: the pixel data do not fit the header.
    """
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID") or ImplicitVRLittleEndian)
    bits, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    shift = int(number_of(dataset, "HighBit") or bits - 1) + 1 - bits
    if shift < 0 or shift + bits > allocated:
        raise DamageError(f"HighBit {shift + bits - 1}: does not fit BitsStored {bits} and BitsAllocated {allocated}")
    if syntax == JPEGExtended12Bit:
        from vdes.dicom.jpeg_extended import decode_jpeg_extended  # here: it needs the extra

        decoded = decode_jpeg_extended(dataset)
    else:
        # with the default, pydicom would clear the bits above BitsStored, whatever HighBit states
        decoded = pixels.pixel_array(dataset, decoding_plugin=_DECODERS.get(syntax, ""), correct_unused_bits=False)
    if decoded.shape != (dataset.Rows, dataset.Columns):
        raise DamageError(f"decoded to {decoded.shape}, but Rows and Columns are {dataset.Rows} x {dataset.Columns}")
    signed = dataset.get("PixelRepresentation") == 1
    stored = decoded.astype(np.int32)
    if shift:
        if syntax in _LOSSY or (stored & ((1 << shift) - 1)).any():
            raise DamageError(f"HighBit {shift + bits - 1}, but the {shift} bits below the lowest hold values too")
        stored = (stored & ((1 << allocated) - 1)) >> shift
    if syntax in _LOSSY or (is_lossy(dataset) and not _has_embedded_overlay(dataset)):
        lowest = -(1 << (bits - 1)) if signed else 0
        return np.clip(stored, lowest, lowest + (1 << bits) - 1)
    stored &= (1 << bits) - 1
    return stored - ((stored >> (bits - 1)) << bits) if signed else stored


def _has_embedded_overlay(dataset: Dataset) -> bool:
    return any(element.tag.element == 0x0102 and element.value for element in dataset.group_dataset(0x6000))


def display_table(dataset: Dataset) -> tuple[npt.NDArray[np.float32], int]:
    """Return the displayed value of each stored value, from 0 to `WHITE`, and the lowest stored value.

    Looking pixels up in a table is much faster than applying the functions to all of them.

    Raises:
        DamageError: a LUT or window violates the standard.
    """
    bits = int(dataset.BitsStored)
    lowest = -(1 << (bits - 1)) if dataset.get("PixelRepresentation") == 1 else 0
    physical = _physical(np.arange(lowest, lowest + (1 << bits), dtype=np.float64), dataset)
    lut = lut_of(dataset, "VOILUTSequence")
    if lut is not None:
        shown = lut(physical) * (WHITE / lut.white)
    else:
        shown = pixels.apply_windowing(physical, _window(dataset, float(physical.min()), float(physical.max())))
    shown = np.clip(shown, 0, WHITE)
    return (WHITE - shown if is_inverse(dataset) else shown).astype(np.float32), lowest


def is_inverse(dataset: Dataset) -> bool:
    """Return whether low values are shown white, according to PresentationLUTShape or, without it, MONOCHROME1."""
    shape = text_of(dataset, "PresentationLUTShape")
    if shape in ("IDENTITY", "INVERSE"):
        return shape == "INVERSE"
    return text_of(dataset, "PhotometricInterpretation") == "MONOCHROME1"


def _physical(stored: npt.NDArray[np.float64], dataset: Dataset) -> npt.NDArray[np.float64]:
    """Return stored values after the modality LUT, or after the rescale if slope and intercept are both present."""
    lut = lut_of(dataset, "ModalityLUTSequence")
    if lut is not None:
        return lut(stored).astype(np.float64)
    slope, intercept = number_of(dataset, "RescaleSlope"), number_of(dataset, "RescaleIntercept")
    if slope is None or intercept is None:
        return stored
    if slope == 0:
        raise DamageError("RescaleSlope 0: expected a number that is not 0")
    return stored * slope + intercept


def _window(dataset: Dataset, lowest: float, highest: float) -> Dataset:
    """Return the first window of an image, or else one from ``lowest`` to ``highest``; its output is 0 to `WHITE`."""
    window = Dataset()
    window.PhotometricInterpretation, window.PixelRepresentation, window.BitsStored = "MONOCHROME2", 0, 16
    center, width = number_of(dataset, "WindowCenter"), number_of(dataset, "WindowWidth")
    if center is not None and width is not None:
        window.WindowCenter, window.WindowWidth = center, width
        window.VOILUTFunction = text_of(dataset, "VOILUTFunction") or "LINEAR"
    else:
        window.WindowCenter, window.WindowWidth = (lowest + highest) / 2, highest - lowest
        window.VOILUTFunction = "LINEAR_EXACT"
    return window


def pixel_size_mm(header: Dataset) -> float:
    """Return the pixel size in mm, NaN if unknown.

    ImagerPixelSpacing, at the detector, is preferred: every mammogram has it, while PixelSpacing is missing, equal or
    corrected for magnification, depending on the maker. A single value applies to rows and columns.

    Args:
        header: ImagerPixelSpacing and PixelSpacing, as far as the object has them.

    Raises:
        DamageError: pixels are not square.
    """
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        spacing = numbers_of(header, keyword)
        if spacing and len(spacing) <= 2 and min(spacing) > 0:
            if abs(spacing[0] - spacing[-1]) > 0.01 * spacing[0]:
                raise DamageError(f"{keyword} {spacing}: expected square pixels")
            return spacing[0]
    return float("nan")
