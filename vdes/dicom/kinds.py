"""Which kind of CESM image a mammogram is, according to its header."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom import Dataset

from vdes.dicom.beams import BEAM_KEYWORDS, BOTH, HIGH, LOW, Beam, beam_of
from vdes.dicom.values import codes_of, items_of, text_of

LOW_ENERGY, DES, HIGH_ENERGY, VIRTUAL_DES = "low_energy", "des", "high_energy", "virtual_des"
# the header states another kind; or it states too little, or contradicts itself
OTHER, UNKNOWN = "other", "unknown"
# attributes that `kind_of` uses
KEYWORDS = (
    "ImageType", "SyntheticData", "AcquisitionDeviceProcessingCode", "SeriesDescription", "DerivationCodeSequence",
    "SpecimenDescriptionSequence", "ContainerIdentifier", *BEAM_KEYWORDS,
)  # fmt: skip

_MULTI_ENERGY = "113097"  # DCM, Multi-energy proportional weighting
_RECOMBINED = re.compile(r"RECOMB|SUBTRACT|IODINE")
_CESM = re.compile(r"CESM|CEDM|CEM")  # one maker writes it on recombined images only, another on all images
_ENERGIES = {"LOW_ENERGY": LOW_ENERGY, "HIGH_ENERGY": HIGH_ENERGY}
# images that are not ordinary views of a breast
_FOREIGN = re.compile(
    r"GENERATED_2D|TOMO|STEREO|SCOUT|SPECIMEN|TEMPORAL|ADDITION|LOCALIZER|BIOPSY|SCREEN.?SHOT|CAPTURE|SYNTH|SLICE|VOLUME|C-?VIEW|\bMIP\b|\bMAXIP\b|AVERAGE|PHANTOM|QUALITY|\bQC\b|CALIBRATION"
)
# further values of ImageType that say nothing about the kind
_NEUTRAL = re.compile(r"PRE_CONTRAST|POST_CONTRAST|NONE|LEFT|RIGHT|L|R|CC|MLO|FFDM|[\d.]*")
_PROCESSING_CODES = {"GEMS_FFDM_PV": LOW_ENERGY, "GEMS_CESM_1": DES}
# In this order, because the description of a low-energy series may contain CESM too. The abbreviations are also words
# in French, Spanish and German, so they count only among words without another meaning.
_DESCRIPTIONS = (
    (HIGH_ENERGY, re.compile(r"HIGH.?ENERGY")),
    (LOW_ENERGY, re.compile(r"LOW.?ENERGY")),
    (DES, re.compile(r"RECOMB|SUBTRACT|IODINE|\bI.VIEW\b|\bIVIEW\b")),
)
_ABBREVIATIONS = {"LE": LOW_ENERGY, "HE": HIGH_ENERGY, "DES": DES}
_BARE = re.compile(r"[LR]|LEFT|RIGHT|[LR]?-?(CC|MLO)|C[ED]{1,2}S?M|[LRH]E|DES|IMAGES?|\d+")


@dataclass(frozen=True)
class Kind:
    """The kind of an image, and the evidence for it.

    Attributes:
        name: `LOW_ENERGY`, `DES`, `HIGH_ENERGY`, `VIRTUAL_DES`, `OTHER` or `UNKNOWN`.
        evidence: the attributes that decided, with their values.
        contradicted: weaker evidence against it.
    """

    name: str
    evidence: str
    contradicted: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Vote:
    """The kind according to one source of evidence; the name is empty if the source does not decide."""

    name: str = ""
    words: str = ""


def kind_of(header: Dataset) -> Kind:
    """Return the kind of an image. Standard codes and the beam count first, then ImageType, then private attributes.

    For an original image, the beam shows what it is. A derived image may state the beam of any exposure that it was
    made from, so a low-energy beam is evidence there only if nothing shows that the image is recombined. A series
    description can support a beam, but never decides alone. Contradictory evidence gives `UNKNOWN`.

    Args:
        header: the attributes `KEYWORDS`, as far as the object has them.
    """
    if text_of(header, "SyntheticData").upper() == "YES":
        return Kind(VIRTUAL_DES, "SyntheticData YES")
    values = codes_of(header, "ImageType")
    foreign = _foreign(header, values)
    if foreign:
        return Kind(OTHER, foreign)
    if any(text_of(item, "CodeValue") == _MULTI_ENERGY for item in items_of(header, "DerivationCodeSequence")):
        return Kind(DES, f"DerivationCodeSequence {_MULTI_ENERGY}")
    beam, image_type = beam_of(header), _by_image_type(values)
    private, description = _by_processing_code(header), _by_description(header)
    found = _decide("ORIGINAL" in values[:1], beam, image_type, private, description)
    if not image_type.name and found.name != UNKNOWN:
        if values[1:2] == ["SECONDARY"]:  # created after the examination, perhaps from a screen
            return Kind(UNKNOWN, f"ImageType SECONDARY, with only {found.words} as evidence")
        if found.name == LOW_ENERGY and _strange(values):
            return Kind(UNKNOWN, f"unknown value of ImageType, with only {found.words} as evidence")
    if found.name == UNKNOWN:
        return Kind(UNKNOWN, found.words)
    weaker = [vote.words for vote in (private, description) if vote.name and vote.name != found.name]
    weaker += [beam.words] if beam.contradictory else []
    return Kind(found.name, found.words, tuple(weaker))


def _decide(original: bool, beam: Beam, image_type: _Vote, private: _Vote, description: _Vote) -> _Vote:
    if image_type.name in (LOW_ENERGY, HIGH_ENERGY):
        opposite = (HIGH, BOTH) if image_type.name == LOW_ENERGY else (LOW,)
        return _contradiction(image_type, beam) if beam.energy in opposite else image_type
    if image_type.name == DES:
        return _contradiction(image_type, beam) if original and beam.energy == LOW else image_type
    supported = private if private.name else description
    if beam.energy == LOW:
        if image_type.words and not original and supported.name != LOW_ENERGY:  # CESM, of a derived image
            return supported if supported.name else _contradiction(image_type, beam)
        if private.name == DES and not original:
            return private
        weak = next((vote for vote in (private, description) if vote.name in (DES, HIGH_ENERGY)), None)
        if weak is not None:
            return _contradiction(weak, beam)
        return _Vote(LOW_ENERGY, beam.words)
    if beam.energy == BOTH:
        return _Vote(UNKNOWN, f"{beam.words}, with no other evidence") if original else _Vote(DES, beam.words)
    if beam.energy == HIGH:
        if supported.name == LOW_ENERGY:
            return _contradiction(supported, beam)
        if supported.name == HIGH_ENERGY:
            return _Vote(HIGH_ENERGY, f"{beam.words}, {supported.words}")
        if original:
            return _Vote(UNKNOWN, f"{beam.words}, with no other evidence")
        if image_type.words:
            return _Vote(DES, image_type.words)
        if supported.name == DES:
            return private if private.name else _Vote(DES, f"{beam.words}, {description.words}")
        return _Vote(UNKNOWN, f"{beam.words}, with no other evidence")
    if image_type.words and not original:
        return supported if supported.name == LOW_ENERGY else _Vote(DES, image_type.words)
    if private.name:
        return private
    if description.name:
        return _Vote(UNKNOWN, f"{description.words} alone, with no other evidence")
    return _Vote(UNKNOWN, beam.words or "no evidence")


def _contradiction(vote: _Vote, beam: Beam) -> _Vote:
    return _Vote(UNKNOWN, f"contradiction: {vote.words}, but {beam.words}")


def _foreign(header: Dataset, values: list[str]) -> str:
    """Return the evidence that an image is neither of one energy nor recombined, or no view of a breast; else ""."""
    for value in values[2:] if values[:1] in (["ORIGINAL"], ["DERIVED"]) else values:
        found = _FOREIGN.search(value)
        if found:
            return f"ImageType {found[0]}"
    energy = next((value for value in values if value in _ENERGIES), None)
    if energy and any(_RECOMBINED.search(value) for value in values):
        # PS3.3 C.8.11.7.1.4: a subtraction that names an energy is one in time
        return f"ImageType {energy} of a subtraction: of one energy at two times"
    if items_of(header, "SpecimenDescriptionSequence") or text_of(header, "ContainerIdentifier"):
        return "SpecimenDescriptionSequence"
    return ""


def _by_image_type(values: list[str]) -> _Vote:
    """Return the kind by ImageType; for CESM alone only the words, because it occurs on both kinds of image."""
    for value in values:
        if value in _ENERGIES:
            return _Vote(_ENERGIES[value], f"ImageType {value}")
    for value in values:
        found = _RECOMBINED.search(value)
        if found:
            word = "RECOMBINED" if found[0] == "RECOMB" else "SUBTRACTION" if found[0] == "SUBTRACT" else found[0]
            return _Vote(DES, f"ImageType {word}")
    for value in values:
        found = _CESM.search(value)
        if found:
            return _Vote("", f"ImageType {found[0]}")
    return _Vote()


def _strange(values: list[str]) -> bool:
    return any(not _NEUTRAL.fullmatch(value) and not _CESM.search(value) for value in values[2:])


def _by_processing_code(header: Dataset) -> _Vote:
    found = {
        code: _PROCESSING_CODES[code]
        for code in codes_of(header, "AcquisitionDeviceProcessingCode")
        if code in _PROCESSING_CODES
    }
    if len(set(found.values())) != 1:
        return _Vote()
    code, name = next(iter(found.items()))
    return _Vote(name, f"AcquisitionDeviceProcessingCode {code}")


def _by_description(header: Dataset) -> _Vote:
    # only the word goes into the evidence, because a description may name the patient
    text = text_of(header, "SeriesDescription").upper().replace("_", " ")
    for name, pattern in _DESCRIPTIONS:
        found = pattern.search(text)
        if found:
            return _Vote(name, f"SeriesDescription {found[0]}")
    words = text.replace("-", " ").split()
    if all(_BARE.fullmatch(word) for word in words):
        for word in words:
            if word in _ABBREVIATIONS:
                return _Vote(_ABBREVIATIONS[word], f"SeriesDescription {word}")
    return _Vote()
