"""What a mammogram is in contrast-enhanced spectral mammography, told from its header."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom import Dataset

LOW_ENERGY, DES, HIGH_ENERGY, VIRTUAL_DES, OTHER = "low_energy", "des", "high_energy", "virtual_des", "other"
# attributes that `kind_of` looks at
KEYWORDS = (
    "ImageType", "SyntheticData", "AcquisitionDeviceProcessingCode", "SeriesDescription", "KVP",
)  # fmt: skip
# a low-energy spectrum ends below the K edge of iodine at 33.2 keV; W/Rh and Rh/Ag beams go up to 34 kVp
LOW_ENERGY_BELOW_KVP = 38.0

_RECOMBINED = re.compile(r"RECOMBINED|SUBTRACT|IODINE|CESM")
_PROCESSING_CODES = {"GEMS_FFDM_PV": LOW_ENERGY, "GEMS_CESM_1": DES}
# in this order: the description of a low-energy series may say CESM too
_DESCRIPTIONS = (
    (HIGH_ENERGY, re.compile(r"\bHE\b|HIGH.?ENERGY")),
    (LOW_ENERGY, re.compile(r"\bLE\b|LOW.?ENERGY")),
    (DES, re.compile(r"\bDES\b|RECOMB|SUBTRACT|CESM|IODINE|\bI.?VIEW\b")),
)


@dataclass(frozen=True)
class Kind:
    """What an image is, and why.

    Attributes:
        name: `LOW_ENERGY`, `DES`, `HIGH_ENERGY`, `VIRTUAL_DES` or `OTHER`.
        evidence: the attribute that decided, with its value.
    """

    name: str
    evidence: str


def kind_of(header: Dataset) -> Kind:
    """Tell what an image is, by the first of these that decides.

    SyntheticData; a value of ImageType (vendors put it in different places): LOW_ENERGY, HIGH_ENERGY, one of another
    kind of image, RECOMBINED, SUBTRACT..., IODINE or CESM; GE's AcquisitionDeviceProcessingCode; SeriesDescription; KVP
    below 38.

    Args:
        header: the attributes `KEYWORDS`, as far as the object has them.
    """
    if header.get("SyntheticData") == "YES":
        return Kind(VIRTUAL_DES, "SyntheticData YES")
    values = _texts(header.get("ImageType"))
    for value in ("LOW_ENERGY", "HIGH_ENERGY"):
        if value in values:
            return Kind(value.lower(), f"ImageType {value}")
    for value in values:
        if value == "GENERATED_2D" or value.startswith("TOMO"):
            return Kind(OTHER, f"ImageType {value}")
        if _RECOMBINED.search(value):
            return Kind(DES, f"ImageType {value}")
    for code in _texts(header.get("AcquisitionDeviceProcessingCode")):
        if code in _PROCESSING_CODES:
            return Kind(_PROCESSING_CODES[code], f"AcquisitionDeviceProcessingCode {code}")
    description = str(header.get("SeriesDescription") or "").upper().replace("_", " ")
    for kind, pattern in _DESCRIPTIONS:
        found = pattern.search(description)
        if found:
            # the word alone: a description may name the patient
            return Kind(kind, f"SeriesDescription {found[0]}")
    kvp = float(header.get("KVP") or 0)
    if 0 < kvp < LOW_ENERGY_BELOW_KVP:
        return Kind(LOW_ENERGY, f"KVP {kvp:g}")
    return Kind(OTHER, f"KVP {kvp:g}, and nothing else that tells" if kvp else "nothing that tells")


def _texts(value: object) -> list[str]:
    """Return the texts of an attribute of one or several values, in upper case."""
    if value is None:
        return []
    several = [value] if isinstance(value, str) else list(value) if hasattr(value, "__iter__") else [value]
    return [str(text).strip().upper() for text in several]
