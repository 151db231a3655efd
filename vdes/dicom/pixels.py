"""The picture that a DICOM mammogram shows, in the same numbers whatever its encoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, pixels
from pydicom.uid import (
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from vdes.dicom.extra import need_plugin
from vdes.dicom.files import damage_as_input_error, read_whole
from vdes.errors import InputError

WHITE = 65535.0
# pydicom takes whichever decoder is installed; with a fixed one the numbers do not depend on that
_DECODERS = {
    JPEGLossless: "gdcm",
    JPEGLosslessSV1: "gdcm",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
}


@dataclass(frozen=True)
class Mammogram:
    """A mammogram as it is looked at.

    Attributes:
        pixels: (H, W), float32, rows from top to bottom: 0 is black and `WHITE` white.
        pixel_size_mm: NaN where the file does not state it.
    """

    pixels: npt.NDArray[np.float32]
    pixel_size_mm: float


def read_mammogram(path: str | Path) -> Mammogram:
    """Read the picture that a mammogram for presentation shows: what a workstation displays first.

    Stored values go through the rescale (or modality LUT), then the VOI LUT (the first; it counts before windows) or
    window (the first of several, with its function LINEAR, LINEAR_EXACT or SIGMOID), and MONOCHROME1 is inverted, so
    that bright means attenuating. Without LUT and window the whole range of the stored bits is shown.

    Args:
        path: a DICOM file; its name does not matter.

    Raises:
        InputError: the file is damaged, is no single grey image, cannot be decoded, or is raw (For Processing): raw
            values are not what networks are trained on. A compressed file may need the extra ``dicom``.
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
        shown = table[stored.astype(np.int32) - lowest]
        return Mammogram(shown, pixel_size_mm(dataset))


def _need_decoder(path: Path, dataset: Dataset) -> None:
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID") or "")
    need_plugin(f"{path}: transfer syntax {syntax.name}", _DECODERS.get(syntax, ""))


def raw_reason(header: Dataset) -> str | None:
    """Return why an image is raw and not for display, or None.

    Args:
        header: SOPClassUID, PresentationIntentType and ImageType, as far as the object has them.
    """
    if header.get("PresentationIntentType") == "FOR PROCESSING":
        return "raw: PresentationIntentType FOR PROCESSING; expected an image for presentation"
    name = UID(header.get("SOPClassUID") or "").name
    if "For Processing" in name:
        return f"raw: {name}; expected an image for presentation"
    return None


def decode(dataset: Dataset) -> npt.NDArray[np.integer]:
    """Return the stored values (H, W); bits above BitsStored, where old overlays lie, are cleared."""
    plugin = _DECODERS.get(UID(dataset.file_meta.TransferSyntaxUID), "")
    stored = pixels.pixel_array(dataset, decoding_plugin=plugin)
    if stored.shape != (dataset.Rows, dataset.Columns):
        raise ValueError(f"decoded to {stored.shape}, but Rows and Columns are {dataset.Rows} x {dataset.Columns}")
    bits = int(dataset.BitsStored)
    if dataset.get("PixelRepresentation") == 1:
        unused = 8 * stored.dtype.itemsize - bits
        return (stored << unused) >> unused
    return stored & ((1 << bits) - 1)


def display_table(dataset: Dataset) -> tuple[npt.NDArray[np.float32], int]:
    """Return what each stored value is displayed as, from 0 to `WHITE`, and the lowest stored value.

    A table of all values takes far less time than the functions on all pixels.

    Raises:
        ValueError: a LUT or window breaks the standard's rules.
    """
    bits = int(dataset.BitsStored)
    lowest = -(1 << (bits - 1)) if dataset.get("PixelRepresentation") == 1 else 0
    stored = np.arange(lowest, lowest + (1 << bits), dtype=np.int32)
    physical = pixels.apply_modality_lut(stored, dataset)
    if dataset.get("VOILUTSequence"):
        depth = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        if depth == 8:  # pydicom's indices overflow
            raise ValueError("VOILUTSequence: LUTDescriptor: 8 bits; expected 10 to 16")
        shown = (
            pixels.apply_voi(np.round(physical).astype(np.int32), dataset).astype(np.float64)
            * WHITE
            / ((1 << depth) - 1)
        )
    else:
        shown = pixels.apply_windowing(physical, _window(dataset, float(physical.min()), float(physical.max())))
    shown = np.clip(shown, 0, WHITE)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = WHITE - shown
    return shown.astype(np.float32), lowest


def _window(dataset: Dataset, lowest: float, highest: float) -> Dataset:
    """Return the first window of an image, or one from ``lowest`` to ``highest``, with 0 to `WHITE` as its output."""
    window = Dataset()
    window.PhotometricInterpretation, window.PixelRepresentation, window.BitsStored = "MONOCHROME2", 0, 16
    if "WindowCenter" in dataset and "WindowWidth" in dataset:
        window.WindowCenter, window.WindowWidth = dataset.WindowCenter, dataset.WindowWidth
        window.VOILUTFunction = dataset.get("VOILUTFunction") or "LINEAR"
    else:
        window.WindowCenter, window.WindowWidth = (lowest + highest) / 2, highest - lowest
        window.VOILUTFunction = "LINEAR_EXACT"
    return window


def pixel_size_mm(header: Dataset) -> float:
    """Return the pixel size in mm, NaN where unknown.

    ImagerPixelSpacing, at the detector, counts first: every mammogram has it, while PixelSpacing is absent, the same,
    or corrected for magnification, as the maker likes.

    Args:
        header: ImagerPixelSpacing and PixelSpacing, as far as the object has them.

    Raises:
        ValueError: pixels are not square.
    """
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        spacing = [float(value) for value in header.get(keyword) or ()]
        if len(spacing) == 2 and min(spacing) > 0:
            if abs(spacing[0] - spacing[1]) > 0.01 * spacing[0]:
                raise ValueError(f"{keyword} {spacing}: expected square pixels")
            return spacing[0]
    return float("nan")
