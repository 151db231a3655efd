"""The header of an image file, read without decoding its pixels."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vdes.dicom.files import read_header
from vdes.errors import InputError

PIL_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
PAGED_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")  # PNG by animation, JPEG by Multi-Picture Format
NIFTI_SUFFIXES = (".nii", ".nii.gz")
DICOM_SUFFIX = ".dcm"
MAX_PIXELS = 80_000_000  # more than twice what a mammograph makes; Pillow warns of a few more
IMAGE_SUFFIXES = (*PIL_SUFFIXES, *NIFTI_SUFFIXES, DICOM_SUFFIX)

_PIL_DTYPES = {
    "1": "uint8",
    "L": "uint8",
    "RGB": "uint8",
    "I;16": "uint16",
    "I;16L": "uint16",
    "I;16B": "uint16",
    "I": "int32",
    "F": "float32",
}
# EXIF's tag, and its values by which rows and columns are exchanged when the image is displayed
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_INTEGER_RANGES = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}


@dataclass(frozen=True)
class ImageHeader:
    """Size and pixel type of an image file.

    Attributes:
        width: columns, in pixels, of the image as displayed.
        height: rows, likewise.
        dtype: numpy name of the stored pixel type, such as ``uint8``.
    """

    width: int
    height: int
    dtype: str

    @property
    def integer_range(self) -> tuple[float, float] | None:
        """The range of the pixel type, 0 to 255 or 0 to 65535; None for other types, which have no natural range."""
        return _INTEGER_RANGES.get(self.dtype)


def image_suffix(path: str | os.PathLike[str]) -> str | None:
    """Return the suffix of an image file that vdes reads (lower case, ``.nii.gz`` whole), or None for other files."""
    name = Path(path).name.lower()
    return next((suffix for suffix in sorted(IMAGE_SUFFIXES, key=len, reverse=True) if name.endswith(suffix)), None)


def image_stem(path: str | os.PathLike[str]) -> str:
    """Return the file name without its image suffix: ``P1_L_MLO`` for ``a/P1_L_MLO.nii.gz``."""
    name = Path(path).name
    return name[: -len(image_suffix(name) or "")] or name


def is_dicom(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is DICOM: by its suffix, or by its content if the suffix is unknown.

    Archives export files without a suffix.
    """
    suffix = image_suffix(path)
    if suffix is not None:
        return suffix == DICOM_SUFFIX
    try:
        with Path(path).open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_image_header(path: str | os.PathLike[str]) -> ImageHeader:
    """Read the size and pixel type of an image file and check that the file is complete.

    A JPEG or PNG file without its end mark is decoded, to distinguish a truncated file from one with trailing bytes.

    Args:
        path: a file with one of `IMAGE_SUFFIXES`, or a DICOM file of any name.

    Returns:
        The header. For NIfTI the first axis is the width and the second the height. DICOM images are read as
        displayed, in 16 bits regardless of the stored bits.

    Raises:
        InputError: the file is missing, not an image, or truncated, has more than `MAX_PIXELS`, holds several images,
            or its pixel type is neither grey nor RGB.
    """
    path = Path(path)
    suffix = image_suffix(path)
    if is_dicom(path):
        return _read_dicom(path)
    if suffix is None:
        raise InputError(f"{path}: not an image that vdes reads; expected one of {', '.join(IMAGE_SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such image file")
    return _read_nifti(path) if suffix in NIFTI_SUFFIXES else _read_pil(path)


def check_one_page(path: str | os.PathLike[str]) -> None:
    """Refuse a file of several images, such as a TIFF of two pages, of which a reader would take the first.

    Raises:
        InputError: the file holds several images.
    """
    if image_suffix(path) not in PAGED_SUFFIXES:
        return
    try:
        with Image.open(path) as image:
            pages = getattr(image, "n_frames", 1)
    except (OSError, SyntaxError, ValueError):
        return  # whoever reads it says why
    if pages > 1:
        raise InputError(f"{path}: holds {pages} images; expected one image in a file")


def brightest(path: str | os.PathLike[str]) -> float | None:
    """Return the largest pixel value of an image that Pillow reads; None of another, or an unreadable one."""
    if image_suffix(path) not in PIL_SUFFIXES:
        return None
    try:
        with Image.open(path) as image:
            return float(np.asarray(image).max())
    except (OSError, SyntaxError, ValueError):
        return None


def check_size(path: Path) -> None:
    """Refuse an image file, not DICOM, that states more than `MAX_PIXELS` or more than it holds, before it is decoded.

    A small file can be compressed from many gigabytes.

    Args:
        path: a file with one of `PIL_SUFFIXES` or `NIFTI_SUFFIXES`.

    Raises:
        InputError: it has too many pixels, or its header cannot be read.
    """
    if image_suffix(path) in NIFTI_SUFFIXES:
        _read_nifti(path)
        return
    try:
        with path.open("rb") as stream, Image.open(stream) as image:
            _check_pixels(path, image.size)
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as an image: {reason}") from error


def _check_pixels(path: Path, shape: Sequence[int]) -> None:
    if math.prod(int(length) for length in shape) > MAX_PIXELS:
        raise _too_large(path, " x ".join(str(length) for length in shape))


def _too_large(path: Path, shape: str = "too many") -> InputError:
    return InputError(f"{path}: {shape} pixels; expected at most {MAX_PIXELS // 1_000_000} million")


def common_dtype(headers: Iterable[tuple[str | os.PathLike[str], ImageHeader]]) -> str:
    """Return the pixel type that all the images share.

    Args:
        headers: path and header of each image, at least one.

    Raises:
        InputError: two images differ, such as an 8-bit image among 16-bit ones: they cannot share an intensity range.
    """
    first: dict[str, str] = {}
    for path, header in headers:
        first.setdefault(header.dtype, os.fspath(path))
    if len(first) > 1:
        (one, one_path), (other, other_path) = list(first.items())[:2]
        raise InputError(
            f"{other_path}: pixel type {other}, but {one_path} has {one}; "
            "expected images of one bit depth, because they share one intensity range"
        )
    return next(iter(first))


def _read_pil(path: Path) -> ImageHeader:
    try:
        with path.open("rb") as stream, Image.open(stream) as image:
            _check_pixels(path, image.size)
            dtype = _PIL_DTYPES.get(image.mode)
            if dtype is None:
                raise InputError(f"{path}: pixel type '{image.mode}'; expected grey (8 or 16 bits, or float) or RGB")
            turned = image.getexif().get(ORIENTATION, 1) in SIDEWAYS
            size = (image.height, image.width) if turned else (image.width, image.height)
            header = ImageHeader(*size, dtype)
            if not _has_end_mark(path, image.format):
                image.load()
        check_one_page(path)
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else " ".join(str(error).split())
        raise InputError(f"{path}: unreadable or truncated image ({reason}); copy the file again") from error
    return header


def _has_end_mark(path: Path, format: str | None) -> bool:
    mark = _END_MARKS.get(format or "")
    if mark is None:
        return False
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 64))
        return mark in stream.read()


def _read_nifti(path: Path) -> ImageHeader:
    import nibabel  # imported here, because it takes long and few data sets need it

    try:
        image = nibabel.load(path)
        _check_pixels(path, image.shape)
        width, height = image.shape[:2]
        stated = image.dataobj.offset + math.prod(image.shape) * image.get_data_dtype().itemsize
        if not path.name.lower().endswith(".gz") and stated > path.stat().st_size:
            raise InputError(f"{path}: truncated image: {path.stat().st_size} bytes of {stated}; copy the file again")
        slope = image.dataobj.slope
        dtype = str(image.get_data_dtype()) if slope == 1 else "float32"
    except InputError:
        raise
    except Exception as error:  # nibabel raises a dozen types on damaged files
        raise InputError(f"{path}: unreadable NIfTI image ({' '.join(str(error).split())})") from error
    return ImageHeader(width, height, dtype)


def _read_dicom(path: Path) -> ImageHeader:
    header = read_header(path, ())
    return ImageHeader(int(header.Columns), int(header.Rows), "uint16")
