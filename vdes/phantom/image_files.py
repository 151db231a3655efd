"""The files of one view, as PNG or NIfTI."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

# of what a set in that format holds besides DICOM, which carries low energy and DES alone
SUFFIXES = {"png": ".png", "nifti": ".nii.gz", "dicom": ".png"}


def write_image(
    path: Path, pixels: npt.NDArray[np.generic], scale: tuple[float, float] | None, pixel_mm: float
) -> None:
    """Write one image; the suffix decides the format.

    PNG holds uint16, or one bit for masks; NIfTI holds physical values as float32, and its first axis is the image's
    columns, as MONAI reads PNG too.

    Args:
        path: ends in ``.png`` or ``.nii.gz``.
        pixels: (H, W): boolean, uint16, or physical values in float32.
        scale: for physical values in PNG: offset and step of ``value = offset + step * stored``; None for the others.
        pixel_mm: pixel size, kept in NIfTI.
    """
    if path.suffix == ".png":
        if pixels.dtype == bool:
            PilImage.fromarray(pixels).save(path, compress_level=1)  # one bit a pixel
            return
        if scale is not None:
            offset, step = scale
            pixels = np.clip(np.round((pixels.astype(np.float32) - np.float32(offset)) / np.float32(step)), 0, 65535)
        PilImage.fromarray(pixels.astype(np.uint16)).save(path, compress_level=1)
        return
    import nibabel  # imported here, because it takes long and the default format does not need it

    stored = pixels.astype(np.uint8) * np.uint8(255) if pixels.dtype == bool else pixels
    image = nibabel.Nifti1Image(np.ascontiguousarray(stored.T), np.diag([-pixel_mm, -pixel_mm, 1.0, 1.0]))
    image.header.set_xyzt_units("mm")
    # not nibabel.save, whose gzip stores time and name in the file, so equal sets would differ
    path.write_bytes(gzip.compress(image.to_bytes(), 1, mtime=0))
