"""C: the kind of an image."""

# ruff: noqa: E501 - a table
from __future__ import annotations

from functools import partial
from typing import Any

from corpus.studies import Change, code, put, sets
from corpus.variant import Variant

V = partial(Variant, "C")
SAYS_NOTHING = {
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "AcquisitionDeviceProcessingCode": None,
    "SeriesDescription": None,
}
NONE: tuple[str, ...] = ()


def le(**attributes: Any) -> Change:
    """Return a change of the low-energy image, which then states only the given attributes."""
    return sets("le", **{**SAYS_NOTHING, "KVP": None} | attributes)


def de(**attributes: Any) -> Change:
    """Return a change of the DES image likewise."""
    return sets("de", **{**SAYS_NOTHING, "ImageType": ["DERIVED", "PRIMARY"], "KVP": None} | attributes)


def no(circumstance: str, change: Change, reason: str, name: str = "le", **more: Any) -> Variant:
    """Return a variant in which an image is left out, and so its partner."""
    other = "de" if name == "le" else "le"
    return V(circumstance, change, pairs=NONE, left={name: reason, other: "no "}, **more)


SCREENSHOT = "1.2.840.10008.5.1.4.1.1.7"
NO_MAMMOGRAM = {"refused": "expected a mammogram for presentation"}
REFUSED = {"refused": "expected a low-energy image"}

VARIANTS = [
    V("low energy by KVP 29 alone", le(KVP="29")),
    V("low energy by KVP 34", le(KVP="34")),
    V("low energy by a filter of rhodium, KVP absent", le(FilterMaterial="RHODIUM")),
    V("low energy by a filter of silver, KVP empty", le(FilterMaterial="SILVER", KVP="")),
    no("a filter of aluminium, KVP absent", le(FilterMaterial="ALUMINUM"), "no evidence"),
    no("a filter of copper, KVP absent", le(FilterMaterial="COPPER"), "FilterMaterial COPPER"),
    no("KVP 28 with a copper filter", le(FilterMaterial="COPPER", KVP="28"), "contradiction"),
    no("only KVP 49", le(KVP="49"), "KVP 49, with no other evidence"),
    no("no evidence", le(), "no evidence"),
    V("low energy by ImageType, value 4", le(ImageType=["ORIGINAL", "PRIMARY", "", "LOW_ENERGY"])),
    V("low energy by ImageType, value 5", le(ImageType=["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "LOW_ENERGY"])),
    V("low energy by ImageType, derived", le(ImageType=["DERIVED", "PRIMARY", "", "LOW_ENERGY"], KVP="29")),
    no("ImageType LOW_ENERGY with KVP 49", le(ImageType=["ORIGINAL", "PRIMARY", "LOW_ENERGY"], KVP="49"), "contradiction"),
    no("ImageType LOW_ENERGY with both voltages", le(ImageType=["ORIGINAL", "PRIMARY", "LOW_ENERGY"], KVP=["29", "49"]),
       "contradiction"),
    no("ImageType HIGH_ENERGY", le(ImageType=["ORIGINAL", "PRIMARY", "HIGH_ENERGY"], KVP="49"), "high-energy image", **REFUSED),
    no("ImageType HIGH_ENERGY with KVP 29", le(ImageType=["ORIGINAL", "PRIMARY", "HIGH_ENERGY"], KVP="29"), "contradiction"),
    V("an original image with ImageType CESM and KVP 29", le(ImageType=["ORIGINAL", "PRIMARY", "CESM"], KVP="29")),
    no("an original image with ImageType CESM and KVP 49", le(ImageType=["ORIGINAL", "PRIMARY", "CESM"], KVP="49"), "KVP 49"),
    no("a derived image with ImageType CESM and KVP 29", le(ImageType=["DERIVED", "PRIMARY", "CESM"], KVP="29"),
       "ImageType CESM, but KVP 29"),
    V("a derived image with ImageType CESM and KVP 29, described as low energy",
      le(ImageType=["DERIVED", "PRIMARY", "CESM"], KVP="29", SeriesDescription="Low Energy")),
    V("DES by ImageType CESM, derived, KVP 49", de(ImageType=["DERIVED", "PRIMARY", "CESM"], KVP="49")),
    V("DES by ImageType CESM, derived, KVP absent", de(ImageType=["DERIVED", "PRIMARY", "CESM"])),
    V("DES by ImageType SUBTRACTION after contrast agent",
      de(ImageType=["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION", ""], KVP="29")),
    V("DES by ImageType SUBTRACTED", de(ImageType=["DERIVED", "PRIMARY", "SUBTRACTED"])),
    V("DES by ImageType RECOMBINED with the KVP of its low-energy image", de(ImageType=["DERIVED", "PRIMARY", "RECOMBINED"], KVP="29")),
    V("DES by ImageType IODINE", de(ImageType=["DERIVED", "PRIMARY", "IODINE"])),
    no("an original image with ImageType RECOMBINED and KVP 29", de(ImageType=["ORIGINAL", "PRIMARY", "RECOMBINED"], KVP="29"),
       "contradiction", "de"),
    no("a subtraction in time of low-energy images",
       le(ImageType=["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION", "LOW_ENERGY"], KVP="29"),
       "of one energy at two times", **REFUSED),
    no("a subtraction in time, as words", le(ImageType=["DERIVED", "PRIMARY", "TEMPORAL_SUBTRACTION"], KVP="29"),
       "ImageType TEMPORAL", **REFUSED),
    no("an addition of images", le(ImageType=["DERIVED", "PRIMARY", "", "ADDITION"], KVP="29"), "ADDITION", **REFUSED),
    no("STEREO_SCOUT with KVP 29", le(ImageType=["ORIGINAL", "PRIMARY", "STEREO_SCOUT"], KVP="29"), "STEREO", **REFUSED),
    no("STEREO_MINUS with KVP 29", le(ImageType=["ORIGINAL", "PRIMARY", "STEREO_MINUS"], KVP="29"), "STEREO", **REFUSED),
    no("a biopsy scout", le(ImageType=["ORIGINAL", "PRIMARY", "BIOPSY", "SCOUT"], KVP="29"), "BIOPSY", **REFUSED),
    no("a specimen by ImageType", le(ImageType=["ORIGINAL", "PRIMARY", "SPECIMEN"], KVP="26"), "SPECIMEN", **REFUSED),
    no("a specimen by SpecimenDescriptionSequence",
       lambda s: (le(KVP="26")(s), put(s["le"], SpecimenDescriptionSequence=[code("1")])), "Specimen", **REFUSED),
    no("a specimen by its container", le(KVP="26", ContainerIdentifier="A1"), "Specimen", **REFUSED),
    no("a specimen by the code of the view",
       lambda s: (le(KVP="26")(s), put(s["le"], ViewCodeSequence=[code("127457009")])), "ViewCodeSequence 127457009",
       refused="expected L or R, CC or MLO"),
    no("a synthetic mammogram from tomosynthesis", le(ImageType=["DERIVED", "PRIMARY", "", "GENERATED_2D"], KVP="29"),
       "GENERATED_2D", **REFUSED),
    no("a tomosynthesis slice", le(ImageType=["DERIVED", "PRIMARY", "TOMOSYNTHESIS"], KVP="29"), "TOMO", **REFUSED),
    no("an unknown ImageType with KVP 29", le(ImageType=["ORIGINAL", "PRIMARY", "ODD"], KVP="29"),
       "unknown value of ImageType"),
    no("created after the examination: DERIVED, SECONDARY", le(ImageType=["DERIVED", "SECONDARY"], KVP="29"), "SECONDARY"),
    no("SyntheticData YES", le(ImageType=["DERIVED", "PRIMARY", "RECOMBINED"], SyntheticData="YES"), "virtual DES", **REFUSED),
    V("multi-energy weighting as DerivationCodeSequence",
      lambda s: (de()(s), put(s["de"], DerivationCodeSequence=[code("113097", "DCM")])), by=""),
    V("DES by both voltages", de(KVP=["29", "49"])),
    V("DES by both filters", de(FilterMaterial=["RHODIUM", "COPPER"])),
    V("GE's processing code for low energy", le(AcquisitionDeviceProcessingCode="GEMS_FFDM_PV")),
    V("GE's processing code for DES", de(AcquisitionDeviceProcessingCode="GEMS_CESM_1")),
    V("GE's processing code for DES with the KVP of its low-energy image", de(AcquisitionDeviceProcessingCode="GEMS_CESM_1", KVP="29")),
    no("GE's processing code for low energy with KVP 49", le(AcquisitionDeviceProcessingCode="GEMS_FFDM_PV", KVP="49"),
       "contradiction"),
    V("I-View in the description, KVP 49", de(SeriesDescription="L CC I-View", KVP="49")),
    V("Hologic's way: descriptions that support the beam", lambda s: None, maker="Hologic"),
    no("I-View in the description, KVP 29", de(SeriesDescription="L CC I-View", KVP="29"), "contradiction", "de"),
    no("only a description: Recombined", de(SeriesDescription="Recombined"), "alone", "de"),
    no("only a description: Low Energy", le(SeriesDescription="Low Energy"), "alone"),
    no("only a description: CESM", de(SeriesDescription="CESM"), "no evidence", "de"),
    V("French: Mammographie des deux seins, KVP 28", le(SeriesDescription="Mammographie des deux seins", KVP="28")),
    no("French: Mammographie des deux seins, KVP 49", de(SeriesDescription="Mammographie des deux seins", KVP="49"),
       "KVP 49, with no other evidence", "de"),
    no("French: Mammographie des deux seins, alone", le(SeriesDescription="MAMMOGRAPHIE DES DEUX SEINS"), "no evidence"),
    no("German: Aufnahme des Busens, alone", le(SeriesDescription="Aufnahme des Busens"), "no evidence"),
    no("French: le sein gauche, alone", le(SeriesDescription="le sein gauche"), "no evidence"),
    V("DES among words without another meaning, KVP 49", de(SeriesDescription="CESM DES L CC", KVP="49")),
    no("HE in the description, KVP 49", de(SeriesDescription="CESM HE", KVP="49"), "high-energy image", "de"),
    no("Low Energy in the description, KVP 49", le(SeriesDescription="CESM Low Energy", KVP="49"), "contradiction"),
    no("a secondary capture 'CESM screenshot'",
       sets("de", SOPClassUID=SCREENSHOT, SeriesDescription="CESM screenshot", ImageType=["DERIVED", "SECONDARY", "CESM"]),
       "SOPClassUID: Secondary Capture", "de"),
    no("a secondary capture of a low-energy image", sets("le", SOPClassUID=SCREENSHOT), "SOPClassUID: Secondary Capture", **NO_MAMMOGRAM),
    no("a computed radiograph with modality MG", sets("le", SOPClassUID="1.2.840.10008.5.1.4.1.1.1"), "SOPClassUID: Computed Rad",
       **NO_MAMMOGRAM),
    no("a private class with modality MG", sets("le", SOPClassUID="1.2.3.4.5"), "SOPClassUID: missing or private",
       **NO_MAMMOGRAM),
    no("a breast tomosynthesis object of one frame", sets("le", SOPClassUID="1.2.840.10008.5.1.4.1.1.13.1.3"), "SOPClassUID",
       **NO_MAMMOGRAM),
    no("Modality OT", sets("le", Modality="OT"), "Modality OT", refused="expected MG"),
    no("Modality that is a name", sets("le", Modality="Jane Doe"), "Modality missing or unknown", refused="expected MG"),
    no("raw by its class", sets("le", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.2.1"), "raw: ", refused="raw: ",
       picture="refused: raw"),
    no("raw by PresentationIntentType", sets("le", PresentationIntentType="FOR PROCESSING"), "raw: ", refused="raw: ",
       picture="refused: raw"),
    V("contradicted by weaker evidence: RECOMBINED, with GE's code for low energy",
      sets("de", AcquisitionDeviceProcessingCode="GEMS_FFDM_PV")),
]  # fmt: skip
