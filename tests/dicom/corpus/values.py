"""F: values that are empty, doubled or badly encoded."""

# ruff: noqa: E501 - a table
from __future__ import annotations

from functools import partial
from typing import Any

from pydicom import Dataset

from corpus.studies import Change, Raw, sets
from corpus.variant import Variant

V = partial(Variant, "F")


def le(**attributes: Any) -> Change:
    """Return a change of the low-energy image."""
    return sets("le", **attributes)


VARIANTS = [
    V("KVP doubled: 28 and 28", le(KVP=["28", "28"], ImageType=["ORIGINAL", "PRIMARY"])),
    V("KVP empty", le(KVP="")),
    V("KVP that is not a number", le(KVP=Raw("DS", "unknown"))),
    V("windows empty", le(WindowCenter="", WindowWidth="", WindowCenterWidthExplanation=None)),
    V("WindowCenter without WindowWidth", le(WindowWidth=None, WindowCenterWidthExplanation=None)),
    V("the first of several windows empty", le(WindowCenter=["", "2048"], WindowWidth=["", "4096"],
      WindowCenterWidthExplanation=None), unlike_dcmtk="dcmtk does not show an empty window"),
    V("VOILUTFunction empty", le(VOILUTFunction="")),
    V("rescale empty", le(RescaleSlope="", RescaleIntercept="")),
    V("RescaleSlope without RescaleIntercept", le(RescaleIntercept=None)),
    V("RescaleIntercept without RescaleSlope", le(RescaleSlope=None, RescaleIntercept="-100")),
    V("a VOI LUT without items", le(VOILUTSequence=[])),
    V("a VOI LUT whose item is empty", le(VOILUTSequence=[Dataset()]), unlike_dcmtk="dcmtk has no LUT 1 to show"),
    V("a modality LUT whose item is empty", le(ModalityLUTSequence=[Dataset()])),
    V("ImagerPixelSpacing with one value", le(ImagerPixelSpacing="3.75"), states={"ImagerPixelSpacing": ["3.75", "3.75"]}),
    V("ImagerPixelSpacing empty, PixelSpacing present", le(ImagerPixelSpacing="", PixelSpacing=["3.75", "3.75"]),
      states={"ImagerPixelSpacing": ["3.75", "3.75"]}),
    V("ImagerPixelSpacing empty", le(ImagerPixelSpacing=""), refused="ImagerPixelSpacing is missing"),
    V("ImagerPixelSpacing 0", le(ImagerPixelSpacing=["0", "0"]), refused="ImagerPixelSpacing is missing"),
    V("ImagerPixelSpacing that is not a number", le(ImagerPixelSpacing=Raw("DS", "a\\b")), refused="ImagerPixelSpacing is missing"),
    V("ImagerPixelSpacing with commas", le(ImagerPixelSpacing=Raw("DS", "0,1\\0,1")), refused="ImagerPixelSpacing is missing"),
    V("SeriesNumber that is not a number", le(SeriesNumber=Raw("IS", "3a")), states={"SeriesNumber": "9000"}),
    V("SeriesNumber with a fraction", le(SeriesNumber=Raw("IS", "3.5")), states={"SeriesNumber": "9003"}),
    V("SeriesNumber negative", le(SeriesNumber="-3"), states={"SeriesNumber": "9003"}),
    V("SeriesNumber with ten digits", le(SeriesNumber="2147483647")),
    V("InstanceNumber that is not a number", le(InstanceNumber=Raw("IS", "A1")), states={"InstanceNumber": ""}),
    V("InstanceNumber empty", le(InstanceNumber=""), states={"InstanceNumber": ""}),
    V("NumberOfFrames empty", le(NumberOfFrames="")),
    V("NumberOfFrames that is not a number", le(NumberOfFrames=Raw("IS", "one"))),
    V("NumberOfFrames 1", le(NumberOfFrames="1")),
    V("PatientBirthDate that is not a date", le(PatientBirthDate=Raw("DA", "1950")), states={"PatientBirthDate": ""}),
    V("PatientSex that is not a defined term", le(PatientSex="W"), states={"PatientSex": ""}),
    V("StudyTime with colons", le(StudyTime=Raw("TM", "08:00:00")), states={"StudyTime": ""}),
    V("AccessionNumber longer than allowed", le(AccessionNumber=Raw("SH", "A" * 30)), states={"AccessionNumber": ""}),
    V("StudyDescription longer than allowed", le(StudyDescription=Raw("LO", "A" * 80)), states={"StudyDescription": None}),
    V("PatientName in Latin-1", le(SpecificCharacterSet="ISO_IR 100", PatientName="M\u00fcller^J\u00f6rg")),
    V("PatientName in Latin-1, character set not stated", le(PatientName=Raw("PN", b"M\xfcller")),
      states={"SpecificCharacterSet": "ISO_IR 100"}),
    V("PatientName in a character set that does not exist", le(SpecificCharacterSet=Raw("CS", "ISO_IR 999"))),
    V("ImageType empty, KVP 29", le(ImageType="")),
    V("ImageType with one value", le(ImageType="ORIGINAL")),
    V("ImageType in lower case", le(ImageType=Raw("CS", "original\\primary\\\\low_energy"), KVP=None)),
    V("Modality padded", le(Modality=Raw("CS", "MG  "))),
    V("ImageLaterality padded", le(ImageLaterality=Raw("CS", "L "))),
    V("FrameOfReferenceUID empty", sets(FrameOfReferenceUID=""), by="AcquisitionTime"),
    V("AcquisitionTime empty", le(AcquisitionTime="", ContentTime="")),
    V("PatientID empty", sets(PatientID="")),
    V("SourceImageSequence whose item is empty", sets("de", SourceImageSequence=[Dataset()])),
    V("BreastImplantPresent that is not a defined term", le(BreastImplantPresent="MAYBE"), states={"BreastImplantPresent": None}),
    V("EstimatedRadiographicMagnificationFactor empty", le(EstimatedRadiographicMagnificationFactor=""),
      states={"EstimatedRadiographicMagnificationFactor": None}),
    V("a file name in Latin-1", lambda s: s.places.update(de=b"d\xe9"), pairs=("le+d\\xe9",)),
    V("a folder name in Latin-1", lambda s: s.places.update(de=b"\xe9tude/de"), pairs=("le+\\xe9tude/de",)),
    V("a private attribute without a creator", lambda s: s["le"].add_new(0x00471099, "UN", b"\x00\x01\x02")),
]  # fmt: skip
