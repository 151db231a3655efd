"""Open DICOM files from anywhere: what is damaged or no image is an error with a reason, found without decoding."""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.misc import is_dicom
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from vdes.errors import InputError

# the largest detector has 4800 x 6000 pixels; a header that claims more than this is damaged or no mammogram
MOST_PIXELS = 1 << 26
_LOGGERS = ("pydicom", "openjpeg")
_PIXEL_DATA = 0x7FE00010
_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF


@contextmanager
def damage_as_input_error(path: Path) -> Iterator[None]:
    """Turn whatever pydicom and its decoders raise on a damaged file into an `InputError` of one line.

    Their warnings, such as one for each value that breaks its representation's rules, are neither shown nor logged.
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: damaged: it asks for more memory than there is") from error
    except Exception as error:  # a damaged file raises dozens of types
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: damaged or unreadable DICOM ({reason})") from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def read_header(path: Path, keywords: Sequence[str]) -> FileDataset:
    """Read some attributes of an image file and make sure, without decoding, that its pixel data are whole.

    Args:
        path: the file; its name does not matter.
        keywords: DICOM keywords of the attributes that are wanted.

    Returns:
        These attributes, as far as the file has them. Those of a one-frame enhanced object, which lie in functional
        groups, are lifted to the top.

    Raises:
        InputError: the file is not DICOM, is damaged, or has no pixel data, fewer than its header says, or absurdly
            many.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if not is_dicom(path):
        raise InputError(f"{path}: not a DICOM file (no DICM at byte 128)")
    wanted = [*_GEOMETRY, *keywords, "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]
    with damage_as_input_error(path), path.open("rb") as stream:
        _refuse_deflated(path, stream)
        header = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=wanted)
        _check_one_image(path, header)
        lift_functional_groups(header)
        _check_pixel_data(path, header, stream)
    return header


def read_whole(path: Path) -> FileDataset:
    """Read an image file with its pixel data, after the checks of `read_header`.

    Raises:
        InputError: see `read_header`.
    """
    read_header(path, ())
    with damage_as_input_error(path):
        dataset = pydicom.dcmread(path)
        lift_functional_groups(dataset)
    return dataset


def lift_functional_groups(dataset: Dataset) -> None:
    """Enter what the functional groups of a one-frame enhanced object hold at the top, where classic objects have it.

    Breast Projection X-Ray Image keeps window, rescale, pixel spacing and laterality in there.
    """
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in dataset.get(groups) or ():
            for macro in group:
                if macro.VR == "SQ" and macro.value:
                    for element in macro.value[0]:
                        if element.tag not in dataset:
                            dataset.add(element)
    if "FrameLaterality" in dataset and "ImageLaterality" not in dataset:
        dataset.ImageLaterality = dataset.FrameLaterality


_GEOMETRY = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel", "NumberOfFrames", "PixelRepresentation",
    "PhotometricInterpretation",
)  # fmt: skip


def _refuse_deflated(path: Path, stream: BinaryIO) -> None:
    # pydicom inflates such a file whole, and a few bytes can become gigabytes; the file meta information comes first
    if DeflatedExplicitVRLittleEndian.encode() in stream.read(4096):
        raise InputError(f"{path}: transfer syntax {DeflatedExplicitVRLittleEndian.name}: images do not use it")
    stream.seek(0)


def _check_one_image(path: Path, header: Dataset) -> None:
    rows, columns = header.get("Rows"), header.get("Columns")
    if not rows or not columns:
        raise InputError(f"{path}: no image: Rows and Columns are missing")
    if rows * columns > MOST_PIXELS:
        raise InputError(f"{path}: Rows {rows}, Columns {columns}: no mammogram is that large")
    frames = header.get("NumberOfFrames") or 1
    if frames != 1:
        raise InputError(f"{path}: NumberOfFrames {frames}: expected one frame, not tomosynthesis or a stack")
    if header.get("SamplesPerPixel", 1) != 1 or header.get("PhotometricInterpretation") not in _MONOCHROME:
        raise InputError(
            f"{path}: PhotometricInterpretation {header.get('PhotometricInterpretation')}: expected MONOCHROME1 or "
            "MONOCHROME2, one sample a pixel"
        )
    allocated, stored = header.get("BitsAllocated"), header.get("BitsStored")
    if allocated not in (8, 16) or not stored or not 1 <= stored <= allocated:
        raise InputError(f"{path}: BitsAllocated {allocated}, BitsStored {stored}: expected 8 or 16, no more stored")


_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")


def _check_pixel_data(path: Path, header: FileDataset, stream: BinaryIO) -> None:
    """Make sure that pixel data follow and are whole; ``stream`` stands where `pydicom.dcmread` stopped."""
    syntax = UID(header.file_meta.TransferSyntaxUID)
    order = "<" if syntax.is_little_endian else ">"
    start = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(start)
    head = stream.read(8)
    if len(head) < 8 or _tag(head, order) != _PIXEL_DATA:
        raise InputError(f"{path}: PixelData is missing, or the file is cut off before it")
    if syntax.is_implicit_VR:
        (length,) = struct.unpack(order + "I", head[4:8])
    else:
        (length,) = struct.unpack(order + "I", stream.read(4))
    if length == _UNDEFINED and syntax.is_encapsulated:
        _walk_fragments(path, stream, end)
        return
    expected = header.Rows * header.Columns * header.BitsAllocated // 8
    if syntax.is_encapsulated or length not in (expected, expected + expected % 2):
        raise InputError(f"{path}: PixelData: {length} bytes; expected {expected} for Rows x Columns")
    if stream.tell() + length > end:
        raise InputError(f"{path}: PixelData: cut off, {end - stream.tell()} of {length} bytes are there")


def _walk_fragments(path: Path, stream: BinaryIO, end: int) -> None:
    while True:
        head = stream.read(8)
        tag, length = (_tag(head, "<"), struct.unpack("<I", head[4:])[0]) if len(head) == 8 else (None, 0)
        if tag == _SEQUENCE_END:
            return
        if tag != _ITEM or stream.seek(length, io.SEEK_CUR) > end:
            raise InputError(f"{path}: PixelData: the compressed image is cut off or damaged")


def _tag(head: bytes, order: str) -> int:
    group, element = struct.unpack(order + "HH", head[:4])
    return int(group) << 16 | int(element)
