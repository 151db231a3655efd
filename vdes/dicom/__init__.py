"""CESM in DICOM: what an image is, the picture it shows, and virtual DES as an object for an archive."""

from __future__ import annotations

from importlib.util import find_spec

from vdes.errors import InputError

# what the extra "dicom" installs, by the names that are imported
_EXTRA = ("pydicom", "gdcm", "jpeg_ls", "openjpeg", "pebble", "dicomweb_client")
for _module in _EXTRA:
    if find_spec(_module) is None:
        raise InputError(f"DICOM: {_module} is not installed; expected vdes with its extra: pip install 'vdes[dicom]'")

from vdes.dicom.pixels import read_mammogram  # noqa: E402 - after the check, which says what to install
from vdes.dicom.virtual_des_object import Model, virtual_des_object  # noqa: E402

__all__ = ["Model", "read_mammogram", "virtual_des_object"]
