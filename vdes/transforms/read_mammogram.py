"""Read a mammogram the same way on every machine."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor, NibabelReader, PILReader
from monai.transforms import LoadImage, MapTransform, Transform
from PIL import Image, ImageOps

from vdes.data.image_header import NIFTI_SUFFIXES, ORIENTATION, check_one_page, check_size, is_dicom
from vdes.dicom.pixels import read_mammogram
from vdes.errors import InputError

# every LoadImage looks for NVIDIA's decoder in addition to pydicom, and warns twice that it is missing
logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)


def _grey(image: Image.Image) -> Image.Image:
    """Return a one-channel image as displayed; grey values that are stored as RGB, as some do, keep their values."""
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    return image.convert("L") if image.mode in ("RGB", "RGBA", "P", "LA", "1") else image


class ReadMammogram(Transform):
    """Read one image file into a `MetaTensor` ``(1, H, W)``, float32, in the file's own intensity units.

    Rows run from top to bottom and columns from left to right, as the image is displayed, with the orientation that
    EXIF states; MONAI's readers put columns first. The suffix determines the reader, because `LoadImage` depends on the
    installed packages: Pillow for PNG, JPEG, TIFF and BMP, nibabel for NIfTI (whose first axis is taken as the
    columns), pydicom for DICOM. Polarity: bright means attenuating (MONOCHROME2). DICOM images in MONOCHROME1 are
    inverted; the other formats do not state their polarity and are not changed. DICOM images are read as displayed,
    with rescale and VOI LUT or window, from 0 (black) to 65535 (white); see `vdes.dicom.read_mammogram`.
    ``meta["pixel_size_mm"]`` is the pixel size if the file has one (NIfTI, DICOM) and otherwise NaN, because the
    densities of PNG and JPEG files are unreliable.

    Raises:
        InputError: the file is missing, truncated, unreadable, too large or not a single two-dimensional image.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Image.new("L", (258, 512)).save(f"{folder}/P1_L_CC.png")
        ...     ReadMammogram()(f"{folder}/P1_L_CC.png").shape
        torch.Size([1, 512, 258])

    """

    def __init__(self) -> None:
        with (
            warnings.catch_warnings()
        ):  # LoadImage looks for NVIDIA's decoder in addition to pydicom, and warns that it is missing
            warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader")
            self.pillow = LoadImage(PILReader(converter=_grey, reverse_indexing=False), image_only=False)
            self.nibabel = LoadImage(NibabelReader(), image_only=False)

    def __call__(self, filename: str | Path) -> MetaTensor:
        """Return the image of ``filename``."""
        if is_dicom(filename):
            shown = read_mammogram(filename)
            return _as_tensor(shown.pixels, filename, shown.pixel_size_mm)
        nifti = str(filename).lower().endswith(NIFTI_SUFFIXES)
        if not Path(filename).is_file():
            raise InputError(f"{filename}: no such file")
        check_size(Path(filename))
        if not nifti:
            check_one_page(filename)
        try:
            array, meta = (self.nibabel if nifti else self.pillow)(str(filename))
        except Exception as error:
            cause = error.__cause__ or error
            reason = str(cause).partition("\n")[0] or type(cause).__name__
            raise InputError(f"{filename}: cannot be read as an image: {reason}") from error
        pixels = np.squeeze(np.asarray(array, dtype=np.float32))
        if pixels.ndim != 2:
            raise InputError(f"{filename}: expected one two-dimensional image, found an array of shape {pixels.shape}")
        if not np.isfinite(pixels).all():
            raise InputError(f"{filename}: pixel values: expected finite numbers, found NaN or infinity")
        pixel_size = float(abs(meta["pixdim"][1])) if nifti else float("nan")
        return _as_tensor(np.ascontiguousarray(pixels.T if nifti else pixels), filename, pixel_size)


def _as_tensor(pixels: np.ndarray, filename: str | Path, pixel_size_mm: float) -> MetaTensor:
    return MetaTensor(
        torch.from_numpy(pixels)[None],
        affine=torch.eye(4, dtype=torch.float64),
        meta={"filename_or_obj": str(filename), "pixel_size_mm": pixel_size_mm},
    )


class ReadMammogramd(MapTransform):
    """Dictionary form of `ReadMammogram`; a mask that is absent or None becomes zeros.

    Adds ``pixel_size_mm`` if the item has none and the file of ``reference`` states it.

    Args:
        keys: keys of the file names.
        reference: the key whose pixel size is used.
        same_size: pairs (key, other key) whose images must have the same size: a mask and the image it is drawn on.

    Raises:
        InputError: see `ReadMammogram`; also when two images of ``same_size`` differ in size.

    """

    def __init__(
        self, keys: KeysCollection, reference: str = "low_energy", same_size: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(keys)
        self.reference = reference
        self.same_size = same_size
        self.read = ReadMammogram()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with the images read."""
        d = dict(data)
        files = {key: d.get(key) for key in self.keys}
        drawn_on = dict(self.same_size)
        for key in sorted(
            self.keys, key=lambda key: files[key] is None
        ):  # the images that masks are drawn on come first
            if files[key] is not None:
                d[key] = self.read(str(files[key]))
            else:
                image = d[drawn_on[key]]
                d[key] = MetaTensor(torch.zeros_like(image.as_tensor()), affine=image.affine)
        for key, other in self.same_size:
            if d[key].shape != d[other].shape:
                raise InputError(
                    f"{files[key]}: field {key}: size {tuple(d[key].shape[1:])} (rows, columns) differs from "
                    f"{tuple(d[other].shape[1:])} of {files[other]}, on which it is drawn"
                )
        pixel_size = d[self.reference].meta["pixel_size_mm"]
        if d.get("pixel_size_mm") is None and pixel_size > 0:
            d["pixel_size_mm"] = pixel_size
        return d
