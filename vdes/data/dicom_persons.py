"""Which studies are of one woman, as far as their headers can tell; where she could be one, she is kept as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from vdes.dicom.identity import Identity
from vdes.dicom.image_facts import ImageFacts

# a name or a date that more patients share is a placeholder
MOST_ALIKE = 3


@dataclass
class Persons:
    """The persons of a set of images.

    Attributes:
        of_image: key of the person by identity and study, see `key_of`.
        reasons: by person, why identities that differ were taken together.
    """

    of_image: dict[tuple[Identity, str], str] = field(default_factory=dict)
    reasons: dict[str, set[str]] = field(default_factory=dict)

    def key_of(self, image: ImageFacts) -> str:
        """Return the key of an image's person, by which persons can be ordered; not for output."""
        return self.of_image[_unit(image)]


def persons_of(images: Iterable[ImageFacts]) -> Persons:
    """Tell the persons apart.

    One person are: one study; one PatientID, unless another issuer and another birth date or name say otherwise; an ID
    and one of the other IDs that a header gives; and, whatever the IDs, one name with one birth date. Of two issuers one
    of name and birth date is enough, where the other is missing. IDs and names are compared without case, padding and
    form of Unicode. Studies without a PatientID are persons of their own, unless name and birth date tell more.
    """
    units = sorted({_unit(image) for image in images}, key=lambda unit: (_own_key(unit), unit[1], str(unit[0])))
    parent = {unit: unit for unit in units}
    reasons: dict[tuple[Identity, str], set[str]] = defaultdict(set)

    def root(unit: tuple[Identity, str]) -> tuple[Identity, str]:
        while parent[unit] != unit:
            unit = parent[unit]
        return unit

    for one, other, why in _links(units):
        first, second = sorted((root(one), root(other)), key=units.index) if root(one) != root(other) else (root(one),) * 2
        parent[second] = first
        if why:
            reasons[first].add(why)
    persons = Persons()
    for unit in units:
        persons.of_image[unit] = _own_key(root(unit))
    for unit, why_all in reasons.items():
        persons.reasons.setdefault(_own_key(root(unit)), set()).update(why_all)
    return persons


def _unit(image: ImageFacts) -> tuple[Identity, str]:
    return image.identity, image.study


def _own_key(unit: tuple[Identity, str]) -> str:
    identity, study = unit
    # two studies without a patient's ID may be of two patients
    return "^".join([identity.patient, *sorted(identity.issuers)]) if identity.patient else f"study {study}"


def _links(units: list[tuple[Identity, str]]) -> Iterator[tuple[tuple[Identity, str], tuple[Identity, str], str]]:
    """Yield pairs of one person, with the reason where their identities differ."""
    for alike in _by(units, lambda unit: [unit[1]]):
        for one, other in _chain(alike):
            differs = one[0].contradicts(other[0])
            yield one, other, f"one study, though {differs} differs" if differs else ""
    for alike in _by(units, lambda unit: [unit[0].patient] if unit[0].patient else []):
        for one, other in combinations(alike, 2):
            why = _same_id(one[0], other[0])
            if why is not None:
                yield one, other, why
    for alike in _by(units, lambda unit: [id for id in {unit[0].patient, *unit[0].others} if id]):
        for one, other in combinations(alike, 2):
            if one[0].patient != other[0].patient:
                yield one, other, "PatientID is among the other IDs"
    yield from _same_name(units)


def _same_id(one: Identity, other: Identity) -> str | None:
    """Return None for two persons, else why, empty where the identities do not differ."""
    if one.issuers == other.issuers or one.issuers & other.issuers:
        return ""
    if not one.issuers or not other.issuers:
        return "same PatientID, IssuerOfPatientID in one of them only"
    different = (one.birth_date and other.birth_date and one.birth_date != other.birth_date) or (
        one.name and other.name and one.name != other.name
    )
    return None if different else "same PatientID of two issuers, and neither name nor birth date says otherwise"


def _same_name(units: list[tuple[Identity, str]]) -> Iterator[tuple[tuple[Identity, str], tuple[Identity, str], str]]:
    for alike in _by(units, lambda unit: [unit[0].name] if unit[0].name else []):
        yield from _alike(alike, "name", "birth_date")
    for alike in _by(units, lambda unit: [unit[0].birth_date] if unit[0].birth_date else []):
        yield from _alike(alike, "birth_date", "name")


def _alike(
    alike: list[tuple[Identity, str]], same: str, other: str
) -> Iterator[tuple[tuple[Identity, str], tuple[Identity, str], str]]:
    words = {"name": "PatientName", "birth_date": "PatientBirthDate"}
    both: dict[str, list[tuple[Identity, str]]] = defaultdict(list)
    for unit in alike:
        both[getattr(unit[0], other)].append(unit)
    for value, group in both.items():
        if value and len({_own_key(unit) for unit in group}) <= MOST_ALIKE:
            for one, another in _chain(group):
                if _own_key(one) != _own_key(another):
                    yield one, another, "same PatientName and PatientBirthDate under two identities"
    if len({_own_key(unit) for unit in alike}) <= MOST_ALIKE:
        for one, another in combinations(alike, 2):
            one_issuer = one[0].patient and another[0].patient and one[0].issuers == another[0].issuers
            if not one_issuer and not (getattr(one[0], other) and getattr(another[0], other)):
                if _own_key(one) != _own_key(another):
                    yield one, another, f"same {words[same]} under two identities, {words[other]} unknown"


def _by(units, keys):  # type: ignore[no-untyped-def]
    groups = defaultdict(list)
    for unit in units:
        for key in keys(unit):
            groups[key].append(unit)
    return [group for group in groups.values() if len(group) > 1]


def _chain(units):  # type: ignore[no-untyped-def]
    return zip(units, units[1:], strict=False)
