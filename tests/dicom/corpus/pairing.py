"""A: which low-energy and DES images form a pair."""

# ruff: noqa: E501 - a table
from __future__ import annotations

from functools import partial

from corpus.studies import Change, Studies, both, copies, modified, refers, sets
from corpus.variant import Variant

V = partial(Variant, "A")
NO_TIMES = dict.fromkeys(("AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime"))
NOTHING = {**NO_TIMES, "FrameOfReferenceUID": None}
NO_FRAME = sets(FrameOfReferenceUID=None)


def at(
    name: str, time: str | None, date: str | None = "20200101", keyword: str = "Acquisition", **more: object
) -> Change:
    """Return a change that sets one time and removes the other."""
    other = "Content" if keyword == "Acquisition" else "Acquisition"
    values = {f"{keyword}Date": date, f"{keyword}Time": time, f"{other}Date": None, f"{other}Time": None}
    return sets(name, **values, **more)


def two_pairs(*changes: Change) -> Change:
    """Return a change that adds a second pair of the view, ten minutes later, and then changes all."""
    later = {"AcquisitionTime": "081200", "ContentTime": "081200", "FrameOfReferenceUID": "1.2.9"}
    des = {"AcquisitionTime": "081205", "ContentTime": "081205", "FrameOfReferenceUID": "1.2.9"}
    return both(copies("le", "le2", **later), copies("de", "de2", **des), *changes)


def renumbered(studies: Studies) -> None:
    """Give the images numbers in an order that pairs early with late, if numbers counted."""
    for name, number in (("le", "1"), ("de2", "2"), ("le2", "3"), ("de", "4")):
        studies[name].SOPInstanceUID = studies[name].file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"


def times(le: str, de: str, le2: str, de2: str) -> Change:
    """Return a change of all times of two pairs without frames of reference."""
    moments = zip(("le", "de", "le2", "de2"), (le, de, le2, de2), strict=True)
    return two_pairs(NO_FRAME, *(at(name, moment) for name, moment in moments))


BOTH = ("le+de", "le2+de2")
NONE: tuple[str, ...] = ()
ALONE = {"le": "", "de": ""}

VARIANTS = [
    V("nothing is changed", lambda s: None, by="same FrameOfReferenceUID"),
    V(
        "the DES names `le` as its source, `le2` is nearer in time",
        both(copies("le", "le2", AcquisitionTime="080204"), refers("de", "SourceImageSequence", "le")),
        by="SourceImageSequence", left={"le2": "names another low-energy image as its source"},
    ),
    V(
        "the DES names `le` in ReferencedImageSequence, `le2` is nearer in time",
        both(copies("le", "le2", AcquisitionTime="080204"), refers("de", "ReferencedImageSequence", "le")),
        by="ReferencedImageSequence", left={"le2": "names another"},
    ),
    V(
        "the low-energy image names the DES",
        both(NO_FRAME, sets(**NO_TIMES), refers("le", "ReferencedImageSequence", "de")),
        by="ReferencedImageSequence of the low-energy image",
    ),
    V(
        "the DES names `le` as its source, but has another frame of reference",
        both(refers("de", "SourceImageSequence", "le"), sets("de", FrameOfReferenceUID="1.2.9")),
        by="SourceImageSequence",
    ),
    V(
        "the DES names both low-energy images of the view as sources; one shares its frame of reference",
        both(
            copies("le", "le2", FrameOfReferenceUID="1.2.9", AcquisitionTime="080204"),
            refers("de", "SourceImageSequence", "le", "le2"),
        ),
        by="SourceImageSequence", left={"le2": "belongs to another"},
    ),
    V(
        "the DES names both low-energy images as sources, and there is no other evidence",
        both(copies("le", "le2"), refers("de", "SourceImageSequence", "le", "le2")),
        pairs=NONE, left={"le": "", "le2": "", "de": "2 low-energy images of the view fit it equally"},
    ),
    V(
        "the DES names a source for presentation that is not in the folder",
        lambda s: (s.copy("le", "x"), refers("de", "SourceImageSequence", "x")(s), s.images.pop("x")),
        pairs=NONE, left={"le": "names a source that is not here", "de": "names a source that is not here"},
    ),
    V(
        "both name one raw image as their source, and there is no other evidence",
        lambda s: (
            sets(**NOTHING)(s),
            s.copy("le", "raw", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.2.1"),
            refers("de", "SourceImageSequence", "raw")(s),
            refers("le", "SourceImageSequence", "raw")(s),
        ),
        by="names one image in both", left={"raw": "raw: "},
    ),
    V(
        "the DES of the left breast names the low-energy image of the right one",
        lambda s: (s.add("le_r", "de_r"), refers("de", "SourceImageSequence", "le_r")(s)),
        pairs=("le_r+de_r",), left={"le": "names another", "de": "names another"},
    ),
    V(
        "frames of reference and times removed, two pairs: pairing by UID order would mix the two",
        two_pairs(sets(**NOTHING), renumbered), pairs=NONE,
        left={"le": "no evidence links", "de": "no evidence links", "le2": "no evidence links", "de2": "no evidence links"},
    ),
    V("frame of reference and times removed, one pair", sets(**NOTHING), pairs=NONE, left=ALONE | {"de": "no evidence links"}),
    V("frame of reference of the DES removed, no times", sets("de", **NOTHING), pairs=NONE, left=ALONE),
    V("times removed", sets(**NO_TIMES), by="same FrameOfReferenceUID"),
    V("two pairs, each with its frame of reference and no times", two_pairs(sets(**NO_TIMES)), pairs=BOTH),
    V("two pairs with their times and no frame of reference", two_pairs(NO_FRAME), pairs=BOTH, by="AcquisitionTime, 5 s"),
    V("two pairs that share one frame of reference", two_pairs(sets(FrameOfReferenceUID="1.2.9")), pairs=BOTH),
    V(
        "one frame of reference for all views of a study, with times",
        lambda s: (s.add("le_r", "de_r"), sets(FrameOfReferenceUID="1.2.9")(s)),
        pairs=("le+de", "le_r+de_r"), by="AcquisitionTime, 5 s apart",
    ),
    V(
        "one frame of reference for all views of a study, without times",
        lambda s: (s.add("le_r", "de_r"), sets(FrameOfReferenceUID="1.2.9", **NO_TIMES)(s)),
        pairs=NONE, left={"le": "", "de": "", "le_r": "", "de_r": "no evidence links"},
    ),
    V(
        "all images of a study with the same time, as anonymisers write it, and no frame of reference",
        lambda s: (s.add("le_r", "de_r"), NO_FRAME(s), *(at(name, "000000")(s) for name in s.images)),
        pairs=NONE, left={"le": "", "de": "shared with other views", "le_r": "", "de_r": ""},
    ),
    V("another frame of reference in the DES", sets("de", FrameOfReferenceUID="1.2.9"), pairs=NONE,
      left=ALONE | {"de": "FrameOfReferenceUID differs"}),
    V(
        "an FFDM taken 42 minutes earlier, with another frame of reference, and a DES without a partner",
        both(sets("le", FrameOfReferenceUID="1.2.9", AcquisitionTime="072000", ContentTime="072000")),
        pairs=NONE, left=ALONE | {"le": "FrameOfReferenceUID differs"},
    ),
    V(
        "an FFDM taken 42 minutes earlier, without a frame of reference, and a DES without a partner",
        sets("le", FrameOfReferenceUID=None, AcquisitionTime="072000", ContentTime="072000"),
        pairs=NONE, left=ALONE | {"le": "at most 60 s are evidence"},
    ),
    V(
        "an FFDM taken 42 minutes earlier, in the same frame of reference",
        sets("le", AcquisitionTime="072000", ContentTime="072000"), pairs=NONE, left=ALONE | {"le": "but taken"},
    ),
    V("the irradiation event is the same", both(NO_FRAME, sets(IrradiationEventUID="1.2.8", **NO_TIMES)),
      by="same IrradiationEventUID"),
    V("the DES names both irradiation events", both(NO_FRAME, sets("le", IrradiationEventUID="1.2.8"),
      sets("de", IrradiationEventUID=["1.2.7", "1.2.8"])), by="same IrradiationEventUID"),
    V("the irradiation event differs within one frame of reference", both(sets("le", IrradiationEventUID="1.2.8"),
      sets("de", IrradiationEventUID="1.2.7")), pairs=NONE, left=ALONE | {"de": "IrradiationEventUID differs"}),
    V("the acquisition is the same", both(NO_FRAME, sets(AcquisitionUID="1.2.8", **NO_TIMES)), by="same AcquisitionUID"),
    V("the acquisition differs within one frame of reference", both(sets("le", AcquisitionUID="1.2.8"),
      sets("de", AcquisitionUID="1.2.7")), pairs=NONE, left=ALONE | {"le": "though FrameOfReferenceUID is the same"}),
    V("two low-energy images share the frame of reference; one also the acquisition",
      both(copies("le", "le2", AcquisitionTime="080204"), sets("le", "de", AcquisitionUID="1.2.8")),
      by="FrameOfReferenceUID and AcquisitionUID", left={"le2": "belongs to another"}),
    V("times to the minute, 0815 and 081505, with a second pair at 0825", times("0815", "081505", "0825", "082505"),
      pairs=BOTH, by="0 to 55 s apart"),
    V("times with fractions", times("081500.123456", "081507.5", "082500.9", "082507.000001"), pairs=BOTH),
    V("times with one decimal place", times("081500.1", "081507.5", "082500.9", "082507"), pairs=BOTH),
    V("times with colons, as ACR-NEMA wrote them", times("08:15:00", "08:15:07", "08:25:00", "08:25:07"), pairs=BOTH),
    V("times with trailing blanks", times("081500 ", "081507 ", "082500 ", "082507 "), pairs=BOTH),
    V("times to the hour", times("08", "08", "09", "09"), pairs=NONE,
      left={"le": "at most 60 s", "de": "", "le2": "", "de2": ""}),
    V("times to the minute, one minute apart", both(NO_FRAME, at("le", "0815"), at("de", "0816")), pairs=NONE,
      left=ALONE | {"de": "at most 60 s"}),
    V("an invalid time (256199)", both(NO_FRAME, at("le", "256199"), at("de", "081505")), pairs=NONE, left=ALONE),
    V("a time of three digits (815)", both(NO_FRAME, at("le", "815"), at("de", "081505")), pairs=NONE, left=ALONE),
    V("a leap second", both(NO_FRAME, at("le", "235958", "20161231"), at("de", "235960", "20161231"))),
    V("midnight between the two, with dates", both(NO_FRAME, at("le", "235958"), at("de", "000003", "20200102")),
      by="5 s apart"),
    V("midnight between the two, dates removed", both(NO_FRAME, at("le", "235958", None), at("de", "000003", None)),
      by="5 s apart"),
    V("midnight between the two, the date not advanced", both(NO_FRAME, at("le", "235958"), at("de", "000003")),
      pairs=NONE, left=ALONE),
    V("the date removed in one of the two", both(NO_FRAME, at("de", "080205", None))),
    V("the same time of day on another day", both(NO_FRAME, at("le", "080200"), at("de", "080205", "20200102")),
      pairs=NONE, left=ALONE),
    V("dates with dots", both(NO_FRAME, at("le", "235958", "2020.01.01"), at("de", "000003", "2020.01.02"))),
    V("AcquisitionDateTime alone", both(NO_FRAME, at("le", None, None, AcquisitionDateTime="20200101080200"),
      at("de", None, None, AcquisitionDateTime="20200101080205.500000"))),
    V("AcquisitionDateTime in two zones, the same moment", both(NO_FRAME,
      at("le", None, None, AcquisitionDateTime="20200101080200+0100"),
      at("de", None, None, AcquisitionDateTime="20200101070205+0000")), by="5 s apart"),
    V("AcquisitionDateTime in two zones, the same time of day", both(NO_FRAME,
      at("le", None, None, AcquisitionDateTime="20200101080200+0100"),
      at("de", None, None, AcquisitionDateTime="20200101080205+0000")), pairs=NONE, left=ALONE),
    V("AcquisitionDateTime with a date only", both(NO_FRAME, at("le", None, None, AcquisitionDateTime="20200101"),
      at("de", None, None, AcquisitionDateTime="20200101")), pairs=NONE, left=ALONE),
    V("only the content time, in both", both(NO_FRAME, at("le", "080200", keyword="Content"),
      at("de", "080230", keyword="Content")), by="ContentTime, 30 s apart"),
    V("the acquisition time in one, the content time in the other", both(NO_FRAME, at("le", "080200"),
      at("de", "080230", keyword="Content")), by="AcquisitionTime and ContentTime, 30 s"),
    V("the DES was processed again a day later: the content times are far apart, the acquisition times are not",
      both(NO_FRAME, sets("de", ContentDate="20200102")), by="AcquisitionTime, 5 s"),
    V("60 s apart", both(NO_FRAME, at("le", "080200"), at("de", "080300")), by="60 s apart"),
    V("61 s apart", both(NO_FRAME, at("le", "080200"), at("de", "080301")), pairs=NONE, left=ALONE),
    V("two low-energy images, one as long before the DES as the other after it", both(NO_FRAME, copies("le", "le2", AcquisitionTime="080210")),
      pairs=NONE, left={"le": "", "le2": "", "de": "2 low-energy images of the view fit it equally"}),
    V("two DES images made from one exposure", copies("de", "de2", SeriesInstanceUID="1.2.9"), pairs=NONE,
      left={"le": "2 DES images of the view fit it equally", "de": "", "de2": ""}),
    V("PatientID differs in one study", sets("de", PatientID="OTHER"), pairs=NONE,
      left=ALONE | {"de": "PatientID differs"}),
    V("PatientID differs in case and padding only", both(sets("le", PatientID="Ab007"), sets("de", PatientID="AB7 "))),
    V("PatientID is missing in one of the two", sets("de", PatientID=None)),
    V("PatientID differs, but is among the other IDs", lambda s: (
        sets("de", PatientID="NEW")(s), sets("de", OtherPatientIDs=["PHANTOM1", "X"])(s))),
    V("PatientBirthDate differs in one study", both(sets("le", PatientBirthDate="19500101"),
      sets("de", PatientBirthDate="19600101")), pairs=NONE, left=ALONE | {"le": "PatientBirthDate differs"}),
    V("issuers of the PatientID differ in one study", both(sets("le", IssuerOfPatientID="A"),
      sets("de", IssuerOfPatientID="B")), pairs=NONE, left=ALONE),
    V("the study differs", sets("de", StudyInstanceUID="1.2.9"), pairs=NONE, left=ALONE | {"le": "no DES image"}),
    V("an implant-displaced DES and a full low-energy view", modified("de", codes=("399209000",)), pairs=NONE,
      left=ALONE | {"de": "no low-energy image of the view"}),
    V("an implant-displaced DES, in the older code, and a full low-energy view", modified("de", codes=("R-102D5",)),
      pairs=NONE, left=ALONE),
    V("implant-displaced, both", modified("le", "de", codes=("399209000",))),
    V("implant-displaced, one in the older code", both(modified("le", codes=("399209000",)),
      modified("de", codes=("R-102D5",)))),
    V("full and implant-displaced views in one study", both(two_pairs(), modified("le2", "de2", codes=("399209000",))),
      pairs=BOTH),
    V("spot compression", modified("le", "de", codes=("399055006",)), pairs=NONE,
      left={"le": "Spot Compression", "de": "Spot Compression"}),
    V("magnification", modified("le", "de", codes=("399163009",)), pairs=NONE,
      left={"le": "Magnification", "de": "Magnification"}),
    V("magnification, in the older code", modified("le", "de", codes=("R-102D6",)), pairs=NONE, left=ALONE),
    V("spot compression and magnification of the DES only", modified("de", codes=("399055006", "399163009")),
      pairs=NONE, left={"le": "no DES image", "de": "expected a view of the whole breast"}),
    V("magnified 1.8 times, without a modifier", sets(EstimatedRadiographicMagnificationFactor="1.8"), pairs=NONE,
      left={"le": "EstimatedRadiographicMagnificationFactor 1.8", "de": "1.8"}),
    V("cleavage view", modified("le", "de", codes=("399161006",)), pairs=NONE, left=ALONE | {"le": "Cleavage"}),
    V("rolled view, both", modified("le", "de", codes=("399226006",))),
    V("rolled low energy, straight DES", modified("le", codes=("399226006",)), pairs=NONE, left=ALONE),
    V("nipple in profile, both", modified("le", "de", codes=("442581004",))),
    V("a modifier that no standard defines", modified("le", "de", codes=("99123",)), pairs=NONE,
      left=ALONE | {"le": "99123, which vdes does not know"}),
    V("low energy before contrast agent, DES after it", both(
        sets("le", ImageType=["ORIGINAL", "PRIMARY", "PRE_CONTRAST", "", "LOW_ENERGY"]),
        sets("de", ImageType=["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION", ""])), pairs=NONE,
      left=ALONE | {"le": "one before contrast agent"}),
    V("the standard's ImageType in both", both(
        sets("le", ImageType=["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "LOW_ENERGY"]),
        sets("de", ImageType=["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION", ""]))),
    V("views in CC and MLO of both breasts", lambda s: s.add("le_r", "de_r", "le_m", "de_m"),
      pairs=("le+de", "le_m+de_m", "le_r+de_r")),
    V("a pair, and a low-energy image without its DES", lambda s: s.add("le_m"), left={"le_m": "no DES image"}),
    V("a pair, and a DES without its low-energy image", lambda s: s.add("de_m"), left={"de_m": "no low-energy image"}),
    V("the DES numbered before its low-energy image", lambda s: (
        sets("de", SOPInstanceUID="1.2.1", SeriesNumber=1)(s), sets("le", SeriesNumber=9)(s))),
]  # fmt: skip
