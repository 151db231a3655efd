"""B: which studies belong to one woman."""

# ruff: noqa: E501 - a table
from __future__ import annotations

from functools import partial
from typing import Any

from pydicom import Dataset

from corpus.studies import Change, Studies, put
from corpus.variant import Variant

V = partial(Variant, "B", pairs=("le+de", "le_2+de_2"))
JANE = {"PatientName": "Doe^Jane", "PatientBirthDate": "19500102"}


def women(first: dict[str, Any], second: dict[str, Any]) -> Change:
    """Return a change that adds a second study, and sets attributes of the patient in each."""

    def change(studies: Studies) -> None:
        studies.study("2")
        for name, image in studies.images.items():
            put(image, **(second if name.endswith("_2") else first))

    return change


def other_id(value: str, issuer: str = "") -> Dataset:
    """Return an item of OtherPatientIDsSequence."""
    item = Dataset()
    item.PatientID, item.IssuerOfPatientID = value, issuer
    return item


def entity(issuer: str) -> Dataset:
    """Return an item of IssuerOfPatientIDQualifiersSequence."""
    item = Dataset()
    item.UniversalEntityID, item.UniversalEntityIDType = issuer, "ISO"
    return item


def issued(issuer: str, patient: str = "D7", **more: Any) -> dict[str, Any]:
    """Return the attributes of a patient whose ID a hospital issued."""
    return {"PatientID": patient, "IssuerOfPatientID": issuer, **more}


VARIANTS = [
    V("one PatientID in two studies", women({}, {}), patients=1),
    V("two PatientIDs in two studies", women({"PatientID": "A"}, {"PatientID": "B", "PatientName": "B"}), patients=2),
    V("the issuer of the PatientID in one study only", women({"PatientID": "D7"}, issued("Hospital")), patients=1),
    V("the issuer as qualifier in one study, as text in the other", women(
        issued("1.2.3.4"), {"PatientID": "D7", "IssuerOfPatientIDQualifiersSequence": [entity("1.2.3.4")]}), patients=1),
    V("the issuer in different case and padded", women(issued("Hospital"), issued(" HOSPITAL ")), patients=1),
    V("the PatientID in different case", women({"PatientID": "abc"}, {"PatientID": "ABC"}), patients=1),
    V("the PatientID padded with zeros", women({"PatientID": "0004711"}, {"PatientID": "4711"}), patients=1),
    V("the PatientID padded with blanks", women({"PatientID": "D 7"}, {"PatientID": " D  7 "}), patients=1),
    V("the PatientID in composed and decomposed Unicode", women(
        {"SpecificCharacterSet": "ISO_IR 192", "PatientID": "M\u00fcller"},
        {"SpecificCharacterSet": "ISO_IR 192", "PatientID": "Mu\u0308ller"}), patients=1),
    V("one PatientID from two issuers, nothing else known", women(
        issued("Hospital", PatientName=""), issued("Clinic", PatientName="")), patients=1),
    V("one PatientID from two issuers, same name and birth date", women(
        issued("Hospital", **JANE), issued("Clinic", **JANE)), patients=1),
    V("one PatientID from two issuers, different names", women(
        issued("Hospital", **JANE), issued("Clinic", PatientName="Roe^Ann")), patients=2),
    V("one PatientID from two issuers, different birth dates", women(
        issued("Hospital", PatientBirthDate="19500102"), issued("Clinic", PatientBirthDate="19600102")), patients=2),
    V("two PatientIDs from two issuers, same name and birth date", women(
        issued("Hospital", "A1", **JANE), issued("Clinic", "B2", **JANE)), patients=1),
    V("two PatientIDs from two issuers, the name written differently", women(
        issued("Hospital", "A1", **JANE), issued("Clinic", "B2", PatientName="DOE^JANE^^Dr", PatientBirthDate="19500102")),
      patients=1),
    V("two PatientIDs from two issuers, same birth date, no name in one", women(
        issued("Hospital", "A1", **JANE), issued("Clinic", "B2", PatientName="", PatientBirthDate="19500102")), patients=1),
    V("two PatientIDs from two issuers, same birth date, different names", women(
        issued("Hospital", "A1", **JANE), issued("Clinic", "B2", PatientName="Roe^Ann", PatientBirthDate="19500102")),
      patients=2),
    V("two PatientIDs from two issuers, same name, no birth date", women(
        issued("Hospital", "A1", PatientName="Doe^Jane"), issued("Clinic", "B2", PatientName="Doe^Jane")), patients=1),
    V("two PatientIDs from one hospital, same name and birth date", women(
        {"PatientID": "A1", **JANE}, {"PatientID": "B2", **JANE}), patients=1),
    V("two PatientIDs from one hospital, same name, no birth date", women(
        {"PatientID": "A1", "PatientName": "Doe^Jane"}, {"PatientID": "B2", "PatientName": "Doe^Jane"}), patients=2),
    V("de-identified: different PatientIDs under one dummy name and date", women(
        {"PatientID": "A1", "PatientIdentityRemoved": "YES", **JANE},
        {"PatientID": "B2", "PatientIdentityRemoved": "YES", **JANE}), patients=2),
    V("the PatientID of one study is among the other IDs in the second", women(
        {"PatientID": "A1", "PatientName": "A"}, {"PatientID": "B2", "PatientName": "B", "OtherPatientIDsSequence": [other_id("A1")]}),
      patients=1),
    V("no PatientID in either study", women({"PatientID": ""}, {"PatientID": ""}), patients=2),
    V("no PatientID in one study, same name and birth date", women({"PatientID": "A1", **JANE}, {"PatientID": "", **JANE}),
      patients=1),
    V("no PatientID in one study, same name, no birth date", women(
        {"PatientID": "A1", "PatientName": "Doe^Jane"}, {"PatientID": "", "PatientName": "Doe^Jane"}), patients=2),
]  # fmt: skip
