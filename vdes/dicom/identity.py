"""The patient's identity according to a header. It is used for comparison only and never written."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from pydicom import Dataset

from vdes.dicom.identifiers import identifier, normal
from vdes.dicom.values import items_of, text_of, texts_of

KEYWORDS = (
    "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "OtherPatientIDs",
    "OtherPatientIDsSequence", "PatientName", "PatientBirthDate", "PatientIdentityRemoved",
)  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """What a header states about the patient, in a form in which different spellings are equal.

    Attributes:
        patient: ID, empty if missing.
        issuers: issuers of the ID, if stated.
        others: further IDs of the patient.
        name: hash of family and given name, empty if the name is missing or was removed.
        birth_date: eight digits, empty if missing or removed.
    """

    patient: str = ""
    issuers: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    name: str = ""
    birth_date: str = ""

    def contradicts(self, other: Identity) -> str:
        """Return the attribute by which these are two different patients, or an empty text."""
        known_as = self.patient in other.others or other.patient in self.others
        if self.patient and other.patient and self.patient != other.patient and not known_as:
            return "PatientID"
        if self.issuers and other.issuers and not self.issuers & other.issuers:
            return "IssuerOfPatientID"
        if self.birth_date and other.birth_date and self.birth_date != other.birth_date:
            return "PatientBirthDate"
        return ""


def identity_of(header: Dataset) -> Identity:
    """Return what a header states about the patient.

    Args:
        header: the attributes `KEYWORDS`, as far as the object has them.
    """
    qualifiers = items_of(header, "IssuerOfPatientIDQualifiersSequence")
    issuers = [text_of(header, "IssuerOfPatientID"), *(text_of(item, "UniversalEntityID") for item in qualifiers)]
    others = [
        *texts_of(header, "OtherPatientIDs"),
        *(text_of(item, "PatientID") for item in items_of(header, "OtherPatientIDsSequence")),
    ]
    removed = text_of(header, "PatientIdentityRemoved").upper() == "YES"  # then a name or date is a placeholder
    return Identity(
        patient=identifier(text_of(header, "PatientID")),
        issuers=frozenset(normal(issuer) for issuer in issuers if issuer),
        others=frozenset(identifier(other) for other in others if other),
        name="" if removed else _name_hash(text_of(header, "PatientName")),
        birth_date="" if removed else "".join(re.findall(r"\d", text_of(header, "PatientBirthDate")))[:8],
    )


def _name_hash(name: str) -> str:
    """Return the hash of family and given name, from the first of the up to three representations of a name."""
    parts = [normal(part) for part in name.split("=")[0].split("^")[:2]]
    return hashlib.sha256("^".join(parts).encode()).hexdigest() if any(parts) else ""
