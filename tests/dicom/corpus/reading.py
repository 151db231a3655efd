"""G: odd files and folders."""

# ruff: noqa: E501 - a table
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGExtended12Bit, JPEGLSLossless, RLELossless

from corpus.stored_bits import compressed, refuses
from corpus.studies import Change, both, code, put, sets
from corpus.variant import Variant

V = partial(Variant, "G")
NONE: tuple[str, ...] = ()
# dcmcjpeg +ee +q 99 of the phantom's low-energy image, as dcmtk 3.6.7 made it
JPEG_12_BITS = Path(__file__).with_name("jpeg_12_bits.jpg")
NOT_READ = "dcmtk does not read it"
DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"


def bytes_of(name: str, change: Callable[[bytes], bytes]) -> Change:
    """Return a change of a file's bytes."""
    return lambda studies: studies.rewritten.update({name: change})


def alone(circumstance: str, change: Change, reason: str, **more: Any) -> Variant:
    """Return a variant in which the low-energy image is left out."""
    return V(circumstance, change, pairs=NONE, left={"le": reason, "de": "no low-energy"}, **more)


def in_place_of(name: str, target: str) -> Change:
    """Return a change that puts a file into a folder."""
    return lambda studies: studies.places.update({name: target})


def long_pixel_data(excess: bytes) -> Change:
    """Return a change that makes PixelData longer than the image."""
    return lambda studies: put(studies["le"], PixelData=studies["le"].PixelData + excess)


def jpeg_extended(studies: Any) -> None:
    """Replace the image by the 12-bit JPEG that dcmtk made from it."""
    image = studies["le"]
    image.PixelData = encapsulate([JPEG_12_BITS.read_bytes()])
    image["PixelData"].VR, image["PixelData"].is_undefined_length = "OB", True
    image.file_meta.TransferSyntaxUID = JPEGExtended12Bit


def views(*codes: str, position: str | None = "CC") -> Change:
    """Return a change of the codes of the view, where an empty one means an item without a code."""

    def change(studies: Any) -> None:
        items = [code(value) if value else Dataset() for value in codes]
        put(studies["le"], ViewCodeSequence=items, ViewPosition=position)

    return change


VARIANTS = [
    V("UIDs with a leading zero", sets(StudyInstanceUID="1.2.840.0012.3", FrameOfReferenceUID="1.2.03.4"),
      states={"StudyInstanceUID": "1.2.840.0012.3"}),
    V("a SOPInstanceUID with a leading zero", lambda s: put(s["le"], SOPInstanceUID="1.2.840.007.1")),
    V("a SOPInstanceUID longer than 64 characters", lambda s: put(s["le"], SOPInstanceUID="1." + "2" * 70)),
    alone("a StudyInstanceUID that is a word", sets("le", StudyInstanceUID="Doe"), "StudyInstanceUID is missing or not a UID",
          refused="StudyInstanceUID"),
    alone("StudyInstanceUID missing", sets("le", StudyInstanceUID=None), "StudyInstanceUID is missing or not a UID",
          refused="StudyInstanceUID"),
    V("SeriesInstanceUID missing", sets("le", SeriesInstanceUID=None)),
    V("JPEG Extended, 12 bits", jpeg_extended, states={"LossyImageCompression": "01"}),
    V("excess zeros after the pixel data", bytes_of("le", lambda data: data + bytes(1000))),
    V("excess bytes after the pixel data", bytes_of("le", lambda data: data + b"\x17" * 999),
      unlike_dcmtk=NOT_READ),
    V("one excess byte after the pixel data", bytes_of("le", lambda data: data + b"\x17"),
      unlike_dcmtk=NOT_READ),
    V("PixelData longer than the image, padded with zeros", long_pixel_data(bytes(2048))),
    V("PixelData longer than the image by less than a row", long_pixel_data(b"\x17" * 50)),
    refuses("PixelData longer than the image by rows", long_pixel_data(b"\x17" * 500), "expected 6144 for Rows x Columns",
            unlike_dcmtk="dcmtk takes the first rows"),
    refuses("PixelData shorter than the image", lambda s: put(s["le"], PixelData=s["le"].PixelData[:-100]),
            "expected 6144 for Rows x Columns"),
    refuses("the file cut off in the pixel data", bytes_of("le", lambda data: data[:-100]), "cut off"),
    V("a compressed image without its end mark", both(compressed(RLELossless, "pydicom"),
      bytes_of("le", lambda data: data.removesuffix(DELIMITER))), unlike_dcmtk=NOT_READ),
    V("a compressed image with bytes after its end mark", both(compressed(JPEGLSLossless, "pyjpegls"),
      bytes_of("le", lambda data: data + b"\x17" * 33)), unlike_dcmtk=NOT_READ),
    V("a compressed image without its end mark, padded with zeros", both(compressed(RLELossless, "pydicom"),
      bytes_of("le", lambda data: data.removesuffix(DELIMITER) + bytes(64))), unlike_dcmtk=NOT_READ),
    refuses("a compressed image cut off", both(compressed(JPEGLSLossless, "pyjpegls"),
            bytes_of("le", lambda data: data[:-500])), "cut off or damaged"),
    V("deflated", lambda s: setattr(s["le"].file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian)),
    V("an empty ViewCodeSequence item, with ViewPosition", views("")),
    V("an empty ViewCodeSequence item, and one with the code", views("", "399162004")),
    V("only the code of the view", views("399162004", position=None)),
    V("only the older code of the view", views("R-10242", position=None)),
    V("only ViewPosition", sets("le", ViewCodeSequence=None)),
    V("ViewPosition in lower case", sets("le", ViewPosition="cc", ViewCodeSequence=None)),
    alone("code and position contradict each other", views("399368009"), "but ViewPosition CC", refused="expected L or R"),
    alone("two views in one sequence", views("399162004", "399368009", position=None), "ViewCodeSequence",
          refused="expected L or R"),
    alone("neither code nor position, as in scanned film", sets("le", ViewCodeSequence=None, ViewPosition=None),
          "ViewPosition missing", refused="expected L or R"),
    alone("a medio-lateral view", sets("le", ViewCodeSequence=None, ViewPosition="ML"), "ViewPosition ML",
          refused="expected L or R"),
    V("Laterality instead of ImageLaterality", sets("le", ImageLaterality=None, Laterality="L")),
    V("ImageLaterality in lower case", sets("le", ImageLaterality="l")),
    alone("Laterality contradicts ImageLaterality", sets("le", Laterality="R"), "ImageLaterality is contradictory",
          refused="expected L or R"),
    alone("ImageLaterality B", sets("le", ImageLaterality="B"), "ImageLaterality", refused="expected L or R"),
    alone("no laterality", sets("le", ImageLaterality=None), "ImageLaterality is missing", refused="expected L or R"),
    V("a link to a folder elsewhere", both(in_place_of("de", "../{name}_elsewhere/de"), lambda s: s.linked.update(
      link="../{name}_elsewhere")), pairs=("le+link/de",)),
    V("a link to a folder of the same studies", both(in_place_of("de", "b/de"), lambda s: s.linked.update(a="b")),
      pairs=("le+b/de",)),
    V("a link that closes a loop", lambda s: s.linked.update(loop=".")),
    V("a link to nothing", lambda s: s.linked.update(gone="nowhere"), left={"gone": "no such file"}),
    V("a link to a file of the same studies", lambda s: s.linked.update(z="le"), left={"z": "copy of another file"}),
    V("a hidden .snapshot with twins", lambda s: s.images.update(twin=s["le"]) or s.places.update(twin=".snapshot/le")),
    V("a hidden .snapshot in a sub-folder, linked by a visible name", lambda s: (
      s.images.update(twin=s["le"]), s.places.update(twin="z/.snapshot/le"), s.linked.update(visible="z/.snapshot")),
      left={"visible/le": "copy of another file"}),
    V("hidden files", lambda s: s.images.update(twin=s["le"]) or s.places.update(twin="._le")),
    V("LE and DES that share a SOPInstanceUID", lambda s: put(s["de"], SOPInstanceUID=s["le"].SOPInstanceUID)),
    V("two views that share a SOPInstanceUID", lambda s: (s.add("le_m", "de_m"), put(s["le_m"],
      SOPInstanceUID=s["le"].SOPInstanceUID)), pairs=("le+de", "le_m+de_m")),
    V("a copy of a file", lambda s: s.images.update(le_copy=s["le"]), left={"le_copy": "copy of another file"}),
    V("a copy that is cut off", lambda s: (s.images.update(a=s["le"]), s.rewritten.update(a=lambda data: data[:-9])),
      left={"a": "cut off"}),
    alone("Rows missing", sets("le", Rows=None), "Rows and Columns are missing", picture="refused: no image",
          refused="Rows and Columns"),
    alone("40 frames", sets("le", NumberOfFrames="40"), "NumberOfFrames 40", picture="refused: NumberOfFrames 40",
          refused="NumberOfFrames 40"),
    alone("a colour image", sets("le", PhotometricInterpretation="RGB"), "PhotometricInterpretation RGB",
          picture="refused: PhotometricInterpretation RGB", refused="RGB"),
    alone("not DICOM", bytes_of("le", lambda data: b"notes"), "not a DICOM file", picture="refused: not a DICOM",
          refused="not a DICOM"),
    alone("an empty file", bytes_of("le", lambda data: b""), "not a DICOM file", picture="refused: not a DICOM",
          refused="not a DICOM"),
    V("a text file among the images", lambda s: s.places.update(de="sub/de") or s.images.update(notes=s["le"])
      or s.rewritten.update(notes=lambda data: b"notes"), pairs=("le+sub/de",), left={"notes": "not a DICOM file"}),
]  # fmt: skip
