"""E and I: what a virtual DES object states, and what it must not reveal about its source."""

# ruff: noqa: E501 - a table
from __future__ import annotations

from functools import partial
from typing import Any

from pydicom import Dataset

from corpus.studies import Change, code, modified, put, sets
from corpus.variant import Variant

V = partial(Variant, "I")
E = partial(Variant, "E")
LE = partial(sets, "le")
BURNED_IN = {"~refused": "BurnedInAnnotation: not NO"}


def entity(name: str) -> Dataset:
    """Return an item that names an issuer."""
    item = Dataset()
    item.UniversalEntityID, item.UniversalEntityIDType = name, "ISO"
    return item


def kept(circumstance: str, change: Change, **states: Any) -> Variant:
    """Return a variant whose object states what its source states."""
    return V(circumstance, change, states=states)


def gone(circumstance: str, keyword: str, value: Any) -> Variant:
    """Return a variant with an attribute that a de-identified object must lack."""
    return E(circumstance, LE(**{keyword: value}), states={f"~{keyword}": None})


def empty(circumstance: str, keyword: str, value: Any) -> Variant:
    """Return a variant with an attribute that a de-identified object must have, but empty."""
    return E(circumstance, LE(**{keyword: value}), states={f"~{keyword}": ""})


VARIANTS = [
    kept("LossyImageCompression 01", LE(LossyImageCompression="01", LossyImageCompressionRatio="10",
         LossyImageCompressionMethod="ISO_15444_1"), LossyImageCompression="01", LossyImageCompressionRatio="10",
         LossyImageCompressionMethod="ISO_15444_1"),
    kept("LossyImageCompression 01 without a ratio", LE(LossyImageCompression="01"), LossyImageCompression="01"),
    kept("LossyImageCompression 00", LE(LossyImageCompression="00"), LossyImageCompression="00"),
    kept("LossyImageCompression twice, by two methods", LE(LossyImageCompression="01",
         LossyImageCompressionRatio=["10", "2"], LossyImageCompressionMethod=["ISO_10918_1", "ISO_15444_1"]),
         LossyImageCompressionMethod=["ISO_10918_1", "ISO_15444_1"]),
    kept("a magnification of 1.06", LE(EstimatedRadiographicMagnificationFactor="1.06"),
         EstimatedRadiographicMagnificationFactor="1.06"),
    V("a magnification of 1.8", LE(EstimatedRadiographicMagnificationFactor="1.8"), pairs=(),
      left={"le": "1.8", "de": ""}, states={"EstimatedRadiographicMagnificationFactor": "1.8"}),
    V("no PatientOrientation", LE(PatientOrientation=None), refused="PatientOrientation is missing"),
    V("PatientOrientation empty", LE(PatientOrientation=""), refused="PatientOrientation is missing"),
    V("PatientOrientation with one value", LE(PatientOrientation="A"), refused="PatientOrientation is missing"),
    V("a mirrored image without PatientOrientation", lambda s: put(s["le"], PatientOrientation=None,
      PixelData=s["le"].pixel_array[:, ::-1].tobytes()), refused="PatientOrientation is missing", picture="other"),
    kept("a mirrored image with its PatientOrientation", LE(PatientOrientation=["P", "R"]), PatientOrientation=["P", "R"]),
    V("BurnedInAnnotation YES", LE(BurnedInAnnotation="YES"), states={"BurnedInAnnotation": "YES"} | BURNED_IN),
    kept("BurnedInAnnotation NO", LE(BurnedInAnnotation="NO"), BurnedInAnnotation="NO"),
    V("BurnedInAnnotation missing", LE(BurnedInAnnotation=None), states={"BurnedInAnnotation": "YES"} | BURNED_IN),
    kept("no creation times", LE(InstanceCreationTime="101010"), ContentTime=None, ContentDate=None,
         InstanceCreationTime=None, InstanceCreationDate=None),
    kept("no frame of reference", sets(FrameOfReferenceUID=None), FrameOfReferenceUID=None),
    kept("BreastImplantPresent YES", LE(BreastImplantPresent="YES"), BreastImplantPresent="YES"),
    kept("a partial view", LE(PartialView="YES", PartialViewCodeSequence=[code("255549009", meaning="Anterior")]),
         PartialView="YES", PartialViewCodeSequence=["255549009"]),
    kept("implant displaced", modified("le", "de", codes=("399209000",))),
    kept("PixelSpacing corrected by geometry", LE(PixelSpacing=["3.5", "3.5"], PixelSpacingCalibrationType="GEOMETRY",
         PixelSpacingCalibrationDescription="at 55 mm"), PixelSpacing=["3.5", "3.5"],
         PixelSpacingCalibrationType="GEOMETRY", PixelSpacingCalibrationDescription="at 55 mm"),
    kept("PixelSpacing with one value", LE(PixelSpacing="3.5"), PixelSpacing=None),
    kept("an issuer of the PatientID", LE(IssuerOfPatientID="Hospital"), IssuerOfPatientID="Hospital"),
    kept("dose and exposure", LE(ExposureInuAs=40000, EntranceDoseInmGy="6", KVP="29"), ExposureInuAs=None,
         EntranceDoseInmGy=None, KVP=None),
    kept("a device and its location", LE(StationName="MAMMO1", InstitutionName="Hospital"), StationName=None,
         InstitutionName=None, Manufacturer="vdes"),
    kept("a protocol that mentions contrast agent", LE(ContrastBolusAgent="Iomeprol", ProtocolName="CESM"),
         ContrastBolusAgent=None, ProtocolName=None),
    V("no SeriesInstanceUID", sets(SeriesInstanceUID=None)),
    V("no times", sets(AcquisitionDate=None, AcquisitionTime=None), states={"AcquisitionTime": None}),
    E("PatientName and PatientID", LE(PatientName="Doe^Jane"), states={"~PatientName": "", "PatientName": "Doe^Jane"}),
    gone("PartialViewDescription", "PartialViewDescription", "of Jane Doe"),
    E("PixelSpacingCalibrationDescription", LE(PixelSpacing=["3.5", "3.5"], PixelSpacingCalibrationType="GEOMETRY",
      PixelSpacingCalibrationDescription="by Dr. Roe"), states={"~PixelSpacingCalibrationDescription": "removed"}),
    empty("PositionReferenceIndicator", "PositionReferenceIndicator", "Jane's"),
    gone("IssuerOfPatientIDQualifiersSequence", "IssuerOfPatientIDQualifiersSequence", [entity("Hospital")]),
    gone("IssuerOfAccessionNumberSequence", "IssuerOfAccessionNumberSequence", [entity("Hospital")]),
    gone("IssuerOfPatientID", "IssuerOfPatientID", "Hospital"),
    empty("PatientBirthDate", "PatientBirthDate", "19500102"),
    empty("PatientSex", "PatientSex", "F"),
    gone("PatientAge", "PatientAge", "070Y"),
    empty("StudyDate", "StudyDate", "20200101"),
    gone("StudyDescription", "StudyDescription", "Mammography of Jane"),
    gone("AcquisitionDateTime", "AcquisitionDateTime", "20200101080200"),
    gone("TimezoneOffsetFromUTC", "TimezoneOffsetFromUTC", "+0100"),
    E("the meaning of a modifier as free text", lambda s: (modified("le", "de", codes=("399209000",))(s),
      setattr(s["le"].ViewCodeSequence[0].ViewModifierCodeSequence[0], "CodeMeaning", "displaced for Jane"))),
    E("a modifier that no standard defines", lambda s: modified("le", "de", codes=("99123",))(s), pairs=(),
      left={"le": "99123", "de": "99123"}),
    E("a part of the breast as free text", LE(PartialView="YES", PartialViewCodeSequence=[code("99", "99X", "Jane")]),
      states={"~PartialViewCodeSequence": None}),
    E("a de-identification method as free text", LE(DeidentificationMethod="by Dr. Roe", PatientIdentityRemoved="YES")),
    E("BurnedInAnnotation YES", LE(BurnedInAnnotation="YES"), states=BURNED_IN),
    E("BurnedInAnnotation missing", LE(BurnedInAnnotation=None), states=BURNED_IN),
    E("no PatientOrientation, de-identified", LE(PatientOrientation=None), refused="PatientOrientation is missing",
      states={"~refused": "PatientOrientation is missing"}),
    E("private attributes", lambda s: s["le"].private_block(0x0051, "VENDOR", create=True).add_new(1, "LO", "Jane")),
]  # fmt: skip
