"""De-identification of the objects that vdes writes: the basic profile of DICOM PS3.15 as a list of what is kept."""

from __future__ import annotations

import uuid

from pydicom import Dataset
from pydicom.uid import UID

from vdes import __version__
from vdes.dicom.carried import PARTS
from vdes.dicom.codes import Code, code_item
from vdes.dicom.views import modifier_code
from vdes.errors import InputError

METHODS = (
    Code("113100", "DCM", "Basic Application Confidentiality Profile"),
    Code("113105", "DCM", "Clean Descriptors Option"),
)
# type 2: must be present, may be empty
_EMPTIED = (
    "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
    "ReferringPhysicianName", "InstanceNumber",
)  # fmt: skip
_MAPPED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
# what vdes itself wrote, numbers, and defined terms: none of them can contain a name
KEPT = frozenset(
    (
        "SOPClassUID", "Modality", "PresentationIntentType", "ImageType", "SyntheticData", "ContentQualification",
        "SeriesDescription", "SeriesNumber", "DerivationDescription", "Manufacturer",
        "ManufacturerModelName", "SoftwareVersions", "ContributingEquipmentSequence", "SourceImageSequence",
        "ImageLaterality", "ViewPosition", "ViewCodeSequence", "AnatomicRegionSequence", "BodyPartExamined",
        "OrganExposed", "PositionerType", "DetectorType", "AcquisitionContextSequence", "PatientOrientation",
        "BreastImplantPresent", "PartialView", "PartialViewCodeSequence", "ImagerPixelSpacing", "PixelSpacing",
        "PixelSpacingCalibrationType", "EstimatedRadiographicMagnificationFactor",
        "Rows", "Columns", "SamplesPerPixel", "PixelRepresentation",
        "BitsAllocated", "BitsStored", "HighBit", "PhotometricInterpretation", "PresentationLUTShape",
        "PixelIntensityRelationship", "PixelIntensityRelationshipSign", "RescaleIntercept", "RescaleSlope",
        "RescaleType", "WindowCenter", "WindowWidth", "BurnedInAnnotation", "LossyImageCompression",
        "LossyImageCompressionRatio", "LossyImageCompressionMethod", "PixelData",
        *_EMPTIED, *_MAPPED, "PositionReferenceIndicator",
    )
)  # fmt: skip


def deidentify(image: Dataset) -> None:
    """De-identify, in place, an object that `virtual_des_object` made: everything that is not in `KEPT` is removed.

    A UID is mapped to the same new UID in every run, so that the objects of a study stay together. The new UID can be
    computed from the old one, but not the old one from the new one. The new study UID also replaces the patient's ID:
    with one dummy ID for all, archives would merge the patients, and a number computed from a short ID could be
    guessed.

    Raises:
        InputError: the low-energy image does not state that no text is burned into its pixels, so they might show a
            name.
    """
    if image.get("BurnedInAnnotation") != "NO":
        raise InputError("BurnedInAnnotation: not NO in the low-energy image; expected pixels that show no name")
    for element in list(image):
        if element.keyword not in KEPT:
            del image[element.tag]
    for keyword in _EMPTIED:
        setattr(image, keyword, None)
    if "PositionReferenceIndicator" in image:
        image.PositionReferenceIndicator = None
    if "PixelSpacingCalibrationType" in image:
        image.PixelSpacingCalibrationDescription = "removed"  # free text, required along with the type
    for keyword in _MAPPED:
        if image.get(keyword):
            setattr(image, keyword, mapped_uid(image[keyword].value))
    for reference in image.SourceImageSequence:
        reference.ReferencedSOPInstanceUID = mapped_uid(reference.ReferencedSOPInstanceUID)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.PatientID = image.StudyInstanceUID
    _own_words_only(image)
    image.PatientIdentityRemoved = "YES"
    image.LongitudinalTemporalInformationModified = "REMOVED"
    image.DeidentificationMethod = f"PS3.15 basic profile, by a list of what is kept, vdes {__version__}"
    image.DeidentificationMethodCodeSequence = [code_item(method) for method in METHODS]


def mapped_uid(uid: str) -> UID:
    """Return the UID that replaces another in de-identified objects and their file names."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'de-identified {uid}').int}")


def _own_words_only(image: Dataset) -> None:
    """Keep only the coded items that the standard defines, with the standard's code meanings."""
    for view in image.ViewCodeSequence:
        codes = [modifier_code(item.CodeValue) for item in view.ViewModifierCodeSequence]
        view.ViewModifierCodeSequence = [code_item(code) for code in codes if code is not None]
    if "PartialViewCodeSequence" in image:
        known = [item.CodeValue for item in image.PartialViewCodeSequence if item.CodeValue in PARTS]
        image.PartialViewCodeSequence = [code_item(Code(value, "SCT", PARTS[value])) for value in known]
        if not known:
            del image.PartialViewCodeSequence
