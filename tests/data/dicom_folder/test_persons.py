from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset

from vdes.data.dicom_folder.persons import MOST_ALIKE, persons_of
from vdes.dicom.identity import identity_of
from vdes.dicom.image_facts import ImageFacts
from vdes.dicom.kinds import Kind


def image(study: str, patient: str | None, **attributes: object) -> ImageFacts:
    header = Dataset()
    header.PatientID = patient
    others = attributes.pop("others", ())
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    items = []
    for other in others:  # type: ignore[attr-defined]
        items.append(Dataset())
        items[-1].PatientID = other
    header.OtherPatientIDsSequence = items
    return ImageFacts(
        Path(f"{study}.dcm"),
        study,
        study,
        Kind("low_energy", ""),
        "L",
        "CC",
        "",
        4,
        4,
        0.1,
        identity=identity_of(header),
    )


HOSPITAL = {"IssuerOfPatientID": "Hospital"}
OTHER_HOSPITAL = {"IssuerOfPatientID": "Clinic"}
JANE = {"PatientName": "Doe^Jane", "PatientBirthDate": "19500102"}


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (image("1", "D7"), image("2", "D7"), None),
        (image("1", "D7 "), image("2", "d007"), None),  # padding, case, leading zeros
        (image("1", "Mu\u0308ller"), image("2", "M\u00fcller"), None),
        (image("1", "D7", **HOSPITAL), image("2", "D7", IssuerOfPatientID=" HOSPITAL"), None),
        (image("1", "D7", **HOSPITAL), image("2", "D7"), "only one has an IssuerOfPatientID"),
        (image("1", "D7", **HOSPITAL), image("2", "D7", **OTHER_HOSPITAL), "same PatientID from two issuers"),
        (image("1", "D7", **HOSPITAL, **JANE), image("2", "E8", **OTHER_HOSPITAL, **JANE), "same PatientName and"),
        (
            image("1", "D7", **JANE),
            image("2", "E8", PatientName="DOE^JANE=", PatientBirthDate="1950.01.02"),
            "same Pati",
        ),
        (
            image("1", "D7", **HOSPITAL, **JANE),
            image("2", "E8", **OTHER_HOSPITAL, PatientName="Doe^Jane"),
            "PatientBirthDate unknown",
        ),
        (
            image("1", "D7", **HOSPITAL, **JANE),
            image("2", "E8", **OTHER_HOSPITAL, PatientBirthDate="19500102"),
            "PatientName unknown",
        ),
        (image("1", None, **JANE), image("2", "E8", **JANE), "same PatientName and PatientBirthDate"),
        (image("1", "D7", others=["E8"]), image("2", "E8"), "among the other IDs"),
        (image("1", "D7"), image("1", "E8"), "one study, though PatientID differs"),
    ],
)
def test_who_could_be_one_person_is_one(one: ImageFacts, other: ImageFacts, reason: str | None) -> None:
    persons = persons_of([one, other])
    assert persons.key_of(one) == persons.key_of(other)
    reasons = {why for all_of_one in persons.reasons.values() for why in all_of_one}
    assert (reasons == set()) if reason is None else any(reason in why for why in reasons)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (image("1", "D7"), image("2", "D8")),
        (image("1", None), image("2", None)),
        (image("1", "D7", PatientName="Doe^Jane"), image("2", "D8", PatientName="Doe^Jane")),
        (image("1", None, PatientName="Doe^Jane"), image("2", "D8", PatientName="Doe^Jane")),
        (
            image("1", "D7", **HOSPITAL, **JANE),
            image("2", "D7", **OTHER_HOSPITAL, PatientName="Roe^Ann", PatientBirthDate="19600102"),
        ),
        # a name and a date that stand in the place of removed ones say nothing
        (
            image("1", "D7", PatientIdentityRemoved="YES", **JANE),
            image("2", "D8", PatientIdentityRemoved="YES", **JANE),
        ),
    ],
)
def test_two_persons_are_two(one: ImageFacts, other: ImageFacts) -> None:
    persons = persons_of([one, other])
    assert persons.key_of(one) != persons.key_of(other) and not persons.reasons


def test_a_name_of_many_is_a_placeholder() -> None:
    images = [image(str(number), f"D{number}", **JANE) for number in range(MOST_ALIKE + 1)]
    assert len({persons_of(images).key_of(one) for one in images}) == len(images)
    assert len({persons_of(images[1:]).key_of(one) for one in images[1:]}) == 1
