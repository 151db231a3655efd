"""Decode lossy 12-bit JPEG with GDCM, because pydicom's plugins leave it to a library under the GPL."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.encaps import generate_frames

from vdes.dicom.extra import need
from vdes.dicom.values import DamageError

need("JPEG Extended", "gdcm")

import gdcm  # noqa: E402 - after the check, which says what to install

# GDCM tries an 8-bit decoder first, and would print an error for each image before it uses the 12-bit one
for _off in ("DebugOff", "WarningOff", "ErrorOff"):
    getattr(gdcm.Trace, _off)()


def decode_jpeg_extended(dataset: Dataset) -> npt.NDArray[np.unsignedinteger]:
    """Return the values (H, W) of a grey image in JPEG Extended (process 2 and 4).

    Raises:
        DamageError: the image cannot be decoded.
    """
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(next(generate_frames(dataset.PixelData, number_of_frames=1)))
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((dataset.Columns, dataset.Rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    allocated, bits = int(dataset.BitsAllocated), int(dataset.BitsStored)
    image.SetPixelFormat(gdcm.PixelFormat(1, allocated, bits, bits - 1, int(dataset.get("PixelRepresentation") or 0)))
    data = image.GetBuffer().encode("utf-8", "surrogateescape")  # GDCM returns the bytes as a string
    if len(data) != dataset.Rows * dataset.Columns * allocated // 8:
        raise DamageError("the compressed image is damaged")
    return np.frombuffer(data, f"<u{allocated // 8}").reshape(dataset.Rows, dataset.Columns)
