"""What a virtual DES object copies from its low-energy image, attribute by attribute; nothing else is copied.

Dose, exposure, device, private attributes and whatever a later standard adds are not on the lists. Valid attributes of
patient and study are copied unchanged; of the image's attributes, only numbers and defined terms of the standard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydicom import Dataset, config
from pydicom.datadict import dictionary_VR
from pydicom.valuerep import validate_value

from vdes.dicom.codes import code_item
from vdes.dicom.values import codes_of, items_of, number_of, numbers_of, text_of, uid_of, value_of
from vdes.dicom.views import modifier_code

# attributes that must be present but may be empty (type 2)
EMPTY_IF_ABSENT = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator", "InstanceNumber",
)  # fmt: skip
_PATIENT_AND_STUDY = (
    "SpecificCharacterSet", "TimezoneOffsetFromUTC",
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientAge",
    "DeidentificationMethod",
    "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber", "ReferringPhysicianName",
    "PositionReferenceIndicator", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime",
    "PartialViewDescription",
)  # fmt: skip
_CODE = ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning")
# sequences, and what their items hold
_SEQUENCES: Mapping[str, tuple[str, ...]] = {
    "IssuerOfPatientIDQualifiersSequence": ("UniversalEntityID", "UniversalEntityIDType", "IdentifierTypeCode"),
    "IssuerOfAccessionNumberSequence": ("LocalNamespaceEntityID", "UniversalEntityID", "UniversalEntityIDType"),
    "DeidentificationMethodCodeSequence": _CODE,
}
_TERMS: Mapping[str, tuple[str, ...]] = {
    "BreastImplantPresent": ("YES", "NO"),
    "PartialView": ("YES", "NO"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "PatientSex": ("M", "F", "O"),
    "PixelSpacingCalibrationType": ("GEOMETRY", "FIDUCIAL"),
}
# the part of the breast that a partial view shows (CID 4016)
PARTS = {
    "255549009": "Anterior", "261089000": "Inferior", "49370004": "Lateral", "255561001": "Medial",
    "255551008": "Posterior", "264217000": "Superior",
}  # fmt: skip
_DIRECTION = re.compile(r"[AHFLRP]{1,3}")
_LOSSY_METHODS = ("ISO_10918_1", "ISO_14495_1", "ISO_15444_1", "ISO_15444_15", "ISO_13818_2", "ISO_14496_10")
_TEXTS = ("PN", "LO", "SH", "ST", "LT", "UT", "UC")
_UIDS = ("StudyInstanceUID", "FrameOfReferenceUID")


def carry_over(source: Dataset, image: Dataset) -> None:
    """Copy into a virtual DES object what it shares with its low-energy image.

    Args:
        source: the low-energy image.
        image: the object, changed in place.
    """
    for keyword in EMPTY_IF_ABSENT:
        setattr(image, keyword, None)
    for keyword in _PATIENT_AND_STUDY:
        _copy(source, image, keyword)
    for keyword, inside in _SEQUENCES.items():
        items = [_only(item, inside) for item in items_of(source, keyword)]
        if any(items):
            setattr(image, keyword, [item for item in items if item])
    for keyword in _UIDS:
        if uid_of(source, keyword):
            setattr(image, keyword, uid_of(source, keyword))
    if "FrameOfReferenceUID" not in image:
        del image.PositionReferenceIndicator  # it describes the frame of reference
    for keyword, terms in _TERMS.items():
        if text_of(source, keyword) in terms:
            setattr(image, keyword, text_of(source, keyword))
    _carry_geometry(source, image)
    _carry_view(source, image)
    _complete(image)


def _complete(image: Dataset) -> None:
    """Add what the standard requires along with the copied attributes, without stating more than the source."""
    if image.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethodCodeSequence" not in image:
        image.DeidentificationMethod = image.get("DeidentificationMethod") or "not stated in the low-energy image"
    if "SpecificCharacterSet" not in image:
        texts = (str(element.value) for element in image.iterall() if element.VR in _TEXTS)
        if not all(text.isascii() for text in texts):
            image.SpecificCharacterSet = "ISO_IR 100"  # as they were read


def carry_compression(source: Dataset, image: Dataset, lossy: bool) -> None:
    """State that the image is derived from a lossily compressed one, if it is.

    PS3.3 C.7.6.1.1.5: the value is 01 if the image, or one that it is derived from, was ever lossily compressed.
    """
    if not lossy:
        return
    image.LossyImageCompression = "01"
    ratios = [ratio for ratio in numbers_of(source, "LossyImageCompressionRatio") if 1 <= ratio <= 1000]
    methods = codes_of(source, "LossyImageCompressionMethod")
    if ratios:
        image.LossyImageCompressionRatio = [f"{ratio:.6g}" for ratio in ratios]
        if len(methods) == len(ratios) and set(methods) <= set(_LOSSY_METHODS):
            image.LossyImageCompressionMethod = methods


def orientation_stated(header: Dataset) -> list[str] | None:
    """Return PatientOrientation, the directions of rows and columns, or None if it does not state them."""
    directions = codes_of(header, "PatientOrientation")
    stated = len(directions) == 2 and all(_DIRECTION.fullmatch(direction) for direction in directions)
    return directions if stated else None


def without_burned_in_text(header: Dataset) -> bool:
    """Return whether the header states that no text that could identify the patient is burned into the pixels."""
    return text_of(header, "BurnedInAnnotation").upper() == "NO"


def _copy(source: Dataset, image: Dataset, keyword: str) -> None:
    """Copy an attribute if its value is valid; otherwise a required one stays empty."""
    value = value_of(source, keyword)
    if value is None:
        return
    vr = dictionary_VR(keyword)
    several = list(value) if hasattr(value, "append") else [value]
    try:
        for one in several:
            validate_value(vr, str(one), config.RAISE)
    except ValueError:
        return
    image[keyword] = source[keyword]


def _only(item: Dataset, keywords: tuple[str, ...]) -> Dataset:
    kept = Dataset()
    for keyword in keywords:
        if text_of(item, keyword):
            setattr(kept, keyword, text_of(item, keyword))
    return kept


def _carry_geometry(source: Dataset, image: Dataset) -> None:
    number = number_of(source, "InstanceNumber")
    image.InstanceNumber = None if number is None else int(number)
    spacing = [value for value in numbers_of(source, "PixelSpacing") if 0 < value < 100]
    if len(spacing) == 2:
        image.PixelSpacing = [f"{value:.8g}" for value in spacing]
    if "PixelSpacing" not in image:
        image.pop("PixelSpacingCalibrationType", None)
    elif "PixelSpacingCalibrationType" in image:
        _copy(source, image, "PixelSpacingCalibrationDescription")
        if "PixelSpacingCalibrationDescription" not in image:
            del image.PixelSpacingCalibrationType  # the standard allows neither without the other
    factor = number_of(source, "EstimatedRadiographicMagnificationFactor")
    if factor is not None and 0.5 <= factor <= 10:
        image.EstimatedRadiographicMagnificationFactor = f"{factor:.8g}"
    image.PatientOrientation = orientation_stated(source)


def _carry_view(source: Dataset, image: Dataset) -> None:
    """Copy the view modifiers, and the part that a partial view shows, with the codes of the current standard."""
    modifiers = [
        code_item(code) if (code := modifier_code(text_of(item, "CodeValue"))) else _only(item, _CODE)
        for view in items_of(source, "ViewCodeSequence")
        for item in items_of(view, "ViewModifierCodeSequence")
    ]
    image.ViewCodeSequence[0].ViewModifierCodeSequence = [item for item in modifiers if len(item) >= 3]
    parts = [_only(item, _CODE) for item in items_of(source, "PartialViewCodeSequence")]
    if any(len(item) >= 3 for item in parts):
        image.PartialViewCodeSequence = [item for item in parts if len(item) >= 3]
