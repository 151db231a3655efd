"""De-identification of the objects that vdes writes, by the basic profile of DICOM PS3.15."""

from __future__ import annotations

import uuid
from importlib.metadata import version

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from vdes.dicom.codes import Code, code_item
from vdes.dicom.extra import need

need("de-identification", "dicomanonymizer")

from dicomanonymizer import simpledicomanonymizer as anonymizer  # noqa: E402 - after the check
from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector  # noqa: E402

EDITION = "dicomfields_2024b"
METHODS = (
    Code("113100", "DCM", "Basic Application Confidentiality Profile"),
    Code("113105", "DCM", "Clean Descriptors Option"),
)
# what vdes itself wrote into them names no one; the profile would remove these statements that the image is artificial
_OWN_WORDS = ("SeriesDescription", "DerivationDescription", "ContributingEquipmentSequence")
_DUMMY_DATE = "00010101"  # of dicom-anonymizer
_SOURCE_IMAGE_SEQUENCE = (0x0008, 0x2112)

Tag = tuple[int, int]


def deidentify(image: Dataset) -> None:
    """De-identify an object that vdes wrote, in place.

    The actions of the basic profile are those of dicom-anonymizer, here applied to nested items too. A UID is always
    mapped to the same new one, in this run and in every other, so that objects of a study stay together. Whoever knows
    an old UID can compute the new one; nobody can compute it backwards. The new study UID is the patient's ID as well:
    one dummy for all would make archives merge the patients, and a number computed from a short ID could be guessed.
    """
    own = {keyword: image[keyword] for keyword in _OWN_WORDS if keyword in image}
    _apply_profile(image)
    image.PatientID = image.StudyInstanceUID
    for element in own.values():
        image.add(element)
    for equipment in image.get("ContributingEquipmentSequence") or ():
        equipment.pop("ContributionDateTime", None)
    image.PatientIdentityRemoved = "YES"
    image.LongitudinalTemporalInformationModified = "REMOVED"
    image.DeidentificationMethod = f"PS3.15 basic profile, dicom-anonymizer {version('dicom-anonymizer')}"
    image.DeidentificationMethodCodeSequence = [code_item(method) for method in METHODS]


def _apply_profile(dataset: Dataset) -> None:
    fields = dicom_anonymization_database_selector(EDITION)
    rules = dict.fromkeys(fields["U_TAGS"], _map_uids)
    # its items keep their UIDs, mapped, in place of being emptied
    rules[_SOURCE_IMAGE_SEQUENCE] = anonymizer.keep
    anonymizer.anonymize_dataset(dataset, rules, base_rules_gen=anonymizer.initialize_actions_2024b)
    for element in dataset:
        if element.VR == "DA" and element.value == _DUMMY_DATE:
            element.value = "19000101"  # validators take no year before 1000
        if element.VR == "SQ":
            for item in element.value:
                _apply_profile(item)


def _map_uids(dataset: Dataset, tag: Tag) -> None:
    element = dataset.get(tag)
    if element is not None and element.value:
        several = isinstance(element.value, MultiValue)
        element.value = [_mapped(uid) for uid in element.value] if several else _mapped(element.value)


def _mapped(uid: str) -> UID:
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'de-identified {uid}').int}")
