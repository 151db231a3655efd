"""Open DICOM files of any origin, and report damaged files and files without an image before decoding them."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pydicom
from pydicom import Dataset, config
from pydicom.dataset import FileDataset
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from vdes.dicom.values import DamageError, items_of, number_of, tag_of, text_of, without_values
from vdes.errors import InputError

# the largest detector has 4800 x 6000 pixels; if a header claims more than this, the file is damaged or not a mammogram
MOST_PIXELS = 1 << 26
# a few deflated bytes can inflate to gigabytes: allow the largest image, and ample room for its header
MOST_INFLATED = 2 * MOST_PIXELS + (1 << 24)
_LOGGERS = ("pydicom", "openjpeg")
_PIXEL_DATA = 0x7FE00010
_ITEM, _SEQUENCE_END, _TRAILING_PADDING = 0xFFFEE000, 0xFFFEE0DD, 0xFFFCFFFC
_UNDEFINED = 0xFFFFFFFF
_PREAMBLE = 132  # with DICM at its end


class PixelBytes(NamedTuple):
    """Position of the pixel data in a file."""

    start: int
    length: int
    encapsulated: bool


@contextmanager
def damage_as_input_error(path: Path) -> Iterator[None]:
    """Turn whatever pydicom and its decoders raise on a damaged file into an `InputError` of one line.

    Their warnings, such as one for each value that violates its value representation, are neither shown nor logged.
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [(logger, logger.level) for logger in loggers if logger.level != logging.CRITICAL]
    for logger, _ in levels:
        logger.setLevel(logging.CRITICAL)
    validation = config.settings.reading_validation_mode
    config.settings.reading_validation_mode = config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DamageError as error:
        raise InputError(f"{path}: damaged or unreadable DICOM ({error})") from error
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: damaged: it asks for more memory than there is") from error
    except Exception as error:  # a damaged file raises dozens of types
        reason = without_values(" ".join(str(error).split()))[:200] or type(error).__name__
        raise InputError(f"{path}: damaged or unreadable DICOM ({reason})") from error
    finally:
        config.settings.reading_validation_mode = validation
        for logger, level in levels:
            logger.setLevel(level)


def read_header(path: Path, keywords: Sequence[str]) -> FileDataset:
    """Read some attributes of an image file and make sure, without decoding, that its pixel data are whole.

    Args:
        path: the file; its name does not matter.
        keywords: DICOM keywords of the attributes to read.

    Returns:
        These attributes, as far as the file has them. For a one-frame enhanced object, the attributes in functional
        groups are copied to the top level.

    Raises:
        InputError: the file is not DICOM, is damaged, or has no pixel data, less than its header states, or an
            absurd amount.
    """
    wanted = [tag_of(keyword) for keyword in (*_GEOMETRY, *keywords, *_FUNCTIONAL_GROUPS)]
    with damage_as_input_error(path), _opened(path) as stream:
        header, _ = _read(path, stream, wanted)
    return header


def read_whole(path: Path) -> FileDataset:
    """Read an image file with its pixel data, after the checks of `read_header`.

    Anything after the pixel data is not read: padding, signatures, or remains of a damaged copy.

    Raises:
        InputError: see `read_header`.
    """
    with damage_as_input_error(path), _opened(path) as stream:
        dataset, place = _read(path, stream, None)
        stream.seek(place.start)
        dataset.PixelData = stream.read(place.length)
        element = dataset["PixelData"]
        element.VR = "OB" if place.encapsulated or dataset.BitsAllocated == 8 else "OW"
        element.is_undefined_length = place.encapsulated
        dataset.NumberOfFrames = 1  # whatever the file states
    return dataset


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a DICOM file; a deflated one is inflated, up to the largest plausible size."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as stream:
        head = stream.read(4096)  # the file meta information comes first
        if head[_PREAMBLE - 4 : _PREAMBLE] != b"DICM":
            raise InputError(f"{path}: not a DICOM file (no DICM at byte 128)")
        stream.seek(0)
        if DeflatedExplicitVRLittleEndian.encode() in head:
            yield _inflated(path, stream.read())
        else:
            yield stream


def _inflated(path: Path, data: bytes) -> BinaryIO:
    meta = pydicom.filereader.read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return io.BytesIO(data)
    # counted from the end of the group length, whose 12 bytes follow the preamble
    start = _PREAMBLE + 12 + int(meta.FileMetaInformationGroupLength)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflater.decompress(data[start:], MOST_INFLATED)
    if not inflater.eof and inflater.unconsumed_tail:
        raise InputError(f"{path}: deflated: inflates to over {MOST_INFLATED >> 20} MiB; no mammogram is that large")
    names = [syntax.encode() for syntax in (DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian)]
    return io.BytesIO(data[:start].replace(names[0], names[1].ljust(len(names[0]), b"\0")) + plain)


def _read(path: Path, stream: BinaryIO, wanted: list[BaseTag] | None) -> tuple[FileDataset, PixelBytes]:
    header = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=wanted)
    check_one_image(path, header)
    lift_functional_groups(header)
    return header, _pixel_bytes(path, header, stream)


def lift_functional_groups(dataset: Dataset) -> None:
    """Copy the content of a one-frame enhanced object's functional groups to the top level, as in classic objects.

    A Breast Projection X-Ray Image has window, rescale, pixel spacing and laterality in these groups.
    """
    for groups in _FUNCTIONAL_GROUPS:
        for group in items_of(dataset, groups):
            for macro in group:
                if macro.VR == "SQ" and macro.value:
                    for element in macro.value[0]:
                        if element.tag not in dataset:
                            dataset.add(element)
    if "FrameLaterality" in dataset and "ImageLaterality" not in dataset:
        dataset.ImageLaterality = dataset.FrameLaterality


_FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_GEOMETRY = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel", "NumberOfFrames",
    "PixelRepresentation", "PhotometricInterpretation",
)  # fmt: skip


def check_one_image(path: Path, header: Dataset) -> None:
    """Make sure that a header describes a single grey image of a plausible size.

    Args:
        path: named in the message.
        header: the attributes that describe the pixels.

    Raises:
        InputError: it does not.
    """
    rows, columns = header.get("Rows"), header.get("Columns")
    if not rows or not columns:
        raise InputError(f"{path}: no image: Rows and Columns are missing")
    if rows * columns > MOST_PIXELS:
        raise InputError(f"{path}: Rows {rows}, Columns {columns}: no mammogram is that large")
    frames = number_of(header, "NumberOfFrames") or 1
    if frames != 1:
        raise InputError(f"{path}: NumberOfFrames {frames:g}: expected one frame, not tomosynthesis or a stack")
    photometric = text_of(header, "PhotometricInterpretation")
    if header.get("SamplesPerPixel", 1) != 1 or photometric not in _MONOCHROME:
        found = photometric if photometric in _COLOURS else "missing or unknown"
        raise InputError(
            f"{path}: PhotometricInterpretation {found}: expected MONOCHROME1 or MONOCHROME2, one sample per pixel"
        )
    allocated, stored = header.get("BitsAllocated"), header.get("BitsStored")
    if allocated not in (8, 16) or not stored or not 1 <= stored <= allocated:
        raise InputError(f"{path}: BitsAllocated {allocated}, BitsStored {stored}: expected 8 or 16, no more stored")


_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = (*_MONOCHROME, "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT", "PALETTE COLOR")


def _pixel_bytes(path: Path, header: FileDataset, stream: BinaryIO) -> PixelBytes:
    """Find the pixel data and make sure that they are complete; ``stream`` is where `pydicom.dcmread` stopped."""
    syntax = UID(header.file_meta.get("TransferSyntaxUID") or ImplicitVRLittleEndian)
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
        return _fragments(path, stream, end)
    expected = header.Rows * header.Columns * header.BitsAllocated // 8
    start = stream.tell()
    if syntax.is_encapsulated or length < expected:
        raise InputError(f"{path}: PixelData: {length} bytes; expected {expected} for Rows x Columns")
    if start + expected > end:
        raise InputError(f"{path}: PixelData: cut off, {end - start} of {length} bytes are there")
    excess = length - expected
    if excess * header.Rows >= expected:  # a row or more: padding, or a header that does not fit the image
        stream.seek(start + expected)
        if stream.read(excess).strip(b"\0"):
            raise InputError(f"{path}: PixelData: {length} bytes; expected {expected} for Rows x Columns")
    return PixelBytes(start, expected, encapsulated=False)


def _fragments(path: Path, stream: BinaryIO, end: int) -> PixelBytes:
    """Walk over the fragments; without an end mark, the data end with the last one."""
    start, place, found = stream.tell(), stream.tell(), 0
    while True:
        head = stream.read(8)
        tag, length = (_tag(head, "<"), struct.unpack("<I", head[4:])[0]) if len(head) == 8 else (None, 0)
        if tag != _ITEM:
            if tag not in (_SEQUENCE_END, _TRAILING_PADDING) and (head + stream.read()).strip(b"\0"):
                raise InputError(f"{path}: PixelData: the compressed image is cut off or damaged")
            break
        place = stream.seek(length, io.SEEK_CUR)
        found += 1
        if place > end:
            raise InputError(f"{path}: PixelData: the compressed image is cut off or damaged")
    if found < 2:  # the offset table and one fragment
        raise InputError(f"{path}: PixelData: the compressed image is cut off or damaged")
    return PixelBytes(start, place - start, encapsulated=True)


def _tag(head: bytes, order: str) -> int:
    group, element = struct.unpack(order + "HH", head[:4])
    return int(group) << 16 | int(element)
