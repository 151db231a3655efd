"""CESM in DICOM: what an image is, the picture it shows, and virtual DES as an object for an archive."""

from __future__ import annotations

from vdes.dicom.pixels import read_mammogram
from vdes.dicom.virtual_des_object import Model, virtual_des_object

__all__ = ["Model", "read_mammogram", "virtual_des_object"]
