"""Write virtual DES objects for a bundle's inference."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from vdes.dicom.virtual_des_object import Model, check_compression, virtual_des_object


class VirtualDesWriter:
    """Write virtual DES images of one model as DICOM files.

    Args:
        name: of the bundle.
        version: of the bundle.
        weights: weights file, whose hash the objects state; None if there is no file.
        compression: none, jpeg-2000, jpeg-ls or rle, all lossless.
        deidentified: write the objects de-identified.
        settings: the settings that the images depend on, by name, which the objects state.

    Raises:
        InputError: the compression is unknown, or it or the de-identification needs the extra ``dicom``.
    """

    def __init__(
        self,
        name: str,
        version: str,
        weights: str | Path | None,
        compression: str,
        deidentified: bool,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        check_compression(compression)
        self._deidentify = _deidentify() if deidentified else None
        digest = "none" if weights is None else hashlib.sha256(Path(weights).read_bytes()).hexdigest()
        stated = ", ".join(f"{key} {value}" for key, value in (settings or {}).items() if value is not None)
        self.model = Model(name, version, digest, stated)
        self.compression = compression

    def __call__(self, file: Path, low_energy: str | Path, values: npt.NDArray[np.floating]) -> None:
        """Write a virtual DES image to ``file``; see `virtual_des_object` for the other arguments."""
        image = virtual_des_object(low_energy, values, self.model, self.compression)
        if self._deidentify is not None:
            self._deidentify(image)
        image.save_as(file, enforce_file_format=True)


def _deidentify() -> Callable[[Dataset], None]:
    from vdes.dicom.deidentify import deidentify  # imported here, because only de-identification needs it

    return deidentify
