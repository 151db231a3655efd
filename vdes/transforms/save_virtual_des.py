"""Write virtual DES images."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vdes import __version__
from vdes.data.image_header import DICOM_SUFFIX, NIFTI_SUFFIXES
from vdes.data.inference_items import output_stem
from vdes.data.staging import staged
from vdes.errors import InputError

EXTENSIONS = (".png", *NIFTI_SUFFIXES, DICOM_SUFFIX)
NOTICE = "virtual DES, made by a network from a low-energy image; not for diagnosis"


class SaveVirtualDesd(MapTransform):
    """Write ``keys``, virtual DES images ``(1, H, W)`` in [0, 1], to files that carry the low-energy file's stem.

    In a 16-bit PNG, 0 and 65535 are the ends of ``des_range``, which its text entry ``des_range`` states. A NIfTI file
    holds float32 in the units of ``des_range`` (stated by ``cal_min`` and ``cal_max``), with columns as the first
    axis, left and posterior as the directions of columns and rows, as ITK writes a two-dimensional image. DICOM files
    are written by ``dicom_writer`` and named after the case, see `output_stem`. Files are written under a temporary
    name and then renamed.

    Args:
        keys: keys of the images.
        output_dir: folder, made if needed.
        output_ext: ``.png``, ``.nii``, ``.nii.gz`` or ``.dcm``.
        des_range: the DES intensities that 0 and 1 stand for.
        dicom_writer: writes a DICOM file, given its path, the low-energy file and the values (H, W), such as
            `vdes.dicom.virtual_des_writer.VirtualDesWriter`; None if no DICOM files are written.
        source_key: key of the low-energy image's file name.
        deidentified: name the files so that they tell nothing, see `vdes.data.inference_items.output_stem`.
        by_case: name the files after their cases, see `vdes.data.inference_items.named_by_case`.

    Raises:
        InputError: another extension is asked for, or ``.dcm`` without a writer; at a call, a file cannot be written.

    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | Path,
        output_ext: str,
        des_range: Sequence[float],
        dicom_writer: Callable[[Path, str, np.ndarray], None] | None = None,
        source_key: str = "low_energy",
        deidentified: bool = False,
        by_case: bool = False,
    ) -> None:
        super().__init__(keys)
        if output_ext not in EXTENSIONS:
            raise InputError(f"output_ext: {output_ext!r}: expected one of {', '.join(EXTENSIONS)}")
        if output_ext == DICOM_SUFFIX and dicom_writer is None:
            raise InputError(f"output_ext: {output_ext!r}: expected a dicom_writer with it")
        self.dicom_writer = dicom_writer
        self.folder = Path(output_dir)
        self.extension = output_ext
        self.low, self.high = (float(limit) for limit in des_range)
        self.source_key = source_key
        self.deidentified = deidentified
        self.by_case = by_case

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the images of ``data``, and return it unchanged."""
        d = dict(data)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._file(d)
        for key in self.key_iterator(d):
            pixels = torch.as_tensor(d[key]).detach().cpu().clamp(0, 1)[0].numpy()
            pixel_size = d[key].meta.get("pixel_size_mm", float("nan")) if hasattr(d[key], "meta") else float("nan")
            try:  # existing files were refused or allowed before the start
                with staged([file], overwrite=True) as stages:
                    if self.dicom_writer is not None and self.extension == DICOM_SUFFIX:
                        self.dicom_writer(stages[file], d[self.source_key], pixels)
                    else:
                        self._write(stages[file], pixels, float(pixel_size))
            except OSError as error:  # a full disk
                raise InputError(f"{file}: cannot be written ({error.strerror or error})") from error
        return d

    def discard(self, data: Mapping[Hashable, Any]) -> Path | None:
        """Remove the file that an earlier run has made of a case, of which this run cannot make one.

        It would pass for one of this run.

        Returns:
            The file, or None if there was none.

        Raises:
            InputError: it cannot be removed.
        """
        file = self._file(data)
        try:
            file.unlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{file}: of an earlier run, cannot be removed ({error.strerror})") from error
        return file

    def _file(self, data: Mapping[Hashable, Any]) -> Path:
        item = {"case": data["case"], "low_energy": data[self.source_key]}
        stem = output_stem(item, self.deidentified, self.by_case)
        return self.folder / f"{stem}{self.extension}"

    def _write(self, file: Path, pixels: np.ndarray, pixel_size: float) -> None:
        if self.extension == ".png":
            text = PngInfo()
            text.add_text("Description", NOTICE)
            text.add_text("Software", f"vdes {__version__}")
            text.add_text("des_range", f"{self.low:g} {self.high:g}")
            image = Image.fromarray(np.round(pixels * 65535).astype(np.uint16))
            # of such images run lengths are as small as what a search finds, in less time
            image.save(file, pnginfo=text, compress_level=1, compress_type=zlib.Z_RLE)
        else:
            spacing = pixel_size if pixel_size > 0 else 1.0
            values = (self.low + pixels * (self.high - self.low)).astype(np.float32)
            volume = nibabel.Nifti1Image(values.T, np.diag([-spacing, -spacing, 1.0, 1.0]))
            volume.header["descrip"] = NOTICE.encode()[:79]
            volume.header["cal_min"], volume.header["cal_max"] = self.low, self.high
            nibabel.save(volume, file)
