"""Which studies belong to one woman, according to their headers; identities that could be one woman are merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from vdes.dicom.identity import Identity
from vdes.dicom.image_facts import ImageFacts

_Unit = tuple[Identity, str]  # with the study
_Link = tuple[_Unit, _Unit, str]

# a name or date shared by more patients is a placeholder
MOST_ALIKE = 3


@dataclass
class Persons:
    """The persons of a set of images.

    Attributes:
        of_image: key of the person by identity and study, see `key_of`.
        reasons: by person, why different identities were merged.
    """

    of_image: dict[_Unit, str] = field(default_factory=dict)
    reasons: dict[str, set[str]] = field(default_factory=dict)

    def key_of(self, image: ImageFacts) -> str:
        """Return the key of an image's person, which also serves for ordering; not for output."""
        return self.of_image[_unit(image)]


def persons_of(images: Iterable[ImageFacts]) -> Persons:
    """Group images by person.

    Images belong to one person if they share a study; a PatientID, unless both the issuer and the birth date or name
    differ; an ID that one header lists among the patient's other IDs; or, whatever the IDs, name and birth date. If the
    issuers differ, name or birth date alone is enough if the other is missing. IDs and names are compared without case,
    padding and Unicode form. Studies without a PatientID are separate persons, unless name and birth date match.
    """
    units = sorted({_unit(image) for image in images}, key=lambda unit: (_own_key(unit), unit[1], str(unit[0])))
    place = {unit: number for number, unit in enumerate(units)}
    parent = list(range(len(units)))

    def root(number: int) -> int:
        while parent[number] != number:
            number = parent[number]
        return number

    links = [(place[one], place[other], why) for one, other, why in _links(units)]
    for one, other, _ in links:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    persons = Persons({unit: _own_key(units[root(number)]) for number, unit in enumerate(units)})
    for one, _, why in links:
        if why:
            persons.reasons.setdefault(persons.of_image[units[one]], set()).add(why)
    return persons


def _unit(image: ImageFacts) -> _Unit:
    return image.identity, image.study


def _own_key(unit: _Unit) -> str:
    identity, study = unit
    # two studies without a PatientID may belong to two patients
    return "^".join([identity.patient, *sorted(identity.issuers)]) if identity.patient else f"study {study}"


def _links(units: list[_Unit]) -> Iterator[_Link]:
    """Yield pairs that belong to one person, with the reason if their identities differ."""
    for alike in _alike(units, lambda unit: [unit[1]]):
        for one, other in pairwise(alike):
            differs = one[0].contradicts(other[0])
            yield one, other, f"one study, though {differs} differs in it" if differs else ""
    for alike in _alike(units, lambda unit: [unit[0].patient]):
        for one, other in combinations(alike, 2):
            why = _same_id(one[0], other[0])
            if why is not None:
                yield one, other, why
    for alike in _alike(units, lambda unit: sorted({unit[0].patient, *unit[0].others})):
        for one, other in combinations(alike, 2):
            if one[0].patient != other[0].patient:
                yield one, other, "the PatientID of one is among the other IDs of the other"
    for alike in _alike(
        units, lambda unit: [unit[0].name and unit[0].birth_date and f"{unit[0].name} {unit[0].birth_date}"]
    ):
        for one, other in pairwise(_few(alike)):
            if _own_key(one) != _own_key(other):
                yield one, other, "same PatientName and PatientBirthDate under two identities"
    for alike in _alike(units, lambda unit: [unit[0].name]):
        for one, other in combinations(_few(alike), 2):
            if _other_issuer(one[0], other[0]) and not (one[0].birth_date and other[0].birth_date):
                yield one, other, "same PatientName under two identities, PatientBirthDate unknown"
    for alike in _alike(units, lambda unit: [unit[0].birth_date]):
        for one, other in combinations(_few(alike), 2):
            if _other_issuer(one[0], other[0]) and not (one[0].name and other[0].name):
                yield one, other, "same PatientBirthDate under two identities, PatientName unknown"


def _same_id(one: Identity, other: Identity) -> str | None:
    """Return None for two persons; otherwise why they are one, empty if the identities do not differ."""
    if one.issuers == other.issuers or one.issuers & other.issuers:
        return ""
    if not one.issuers or not other.issuers:
        return "same PatientID, but only one has an IssuerOfPatientID"
    different = (one.birth_date and other.birth_date and one.birth_date != other.birth_date) or (
        one.name and other.name and one.name != other.name
    )
    return None if different else "same PatientID from two issuers, and neither name nor birth date differs"


def _other_issuer(one: Identity, other: Identity) -> bool:
    """Return whether two different IDs may belong to one person, because their issuers differ or are unknown."""
    return bool(one.patient and other.patient) and one.issuers != other.issuers and not one.issuers & other.issuers


def _few(units: list[_Unit]) -> list[_Unit]:
    """Return the units, or none if they have too many identities for the shared name or date to be a real one."""
    return units if len({_own_key(unit) for unit in units}) <= MOST_ALIKE else []


def _alike(units: list[_Unit], keys: Callable[[_Unit], list[str]]) -> list[list[_Unit]]:
    """Return the groups of units that share a key; empty keys are ignored."""
    groups: dict[str, list[_Unit]] = defaultdict(list)
    for unit in units:
        for key in keys(unit):
            if key:
                groups[key].append(unit)
    return [group for group in groups.values() if len(group) > 1]
