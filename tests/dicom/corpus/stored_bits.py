"""D: from stored bits to the displayed picture."""

# ruff: noqa: E501 - a table
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.uid import JPEG2000, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from corpus.studies import Change, Raw, both, put, sets
from corpus.variant import Variant

V = partial(Variant, "D")
NONE: tuple[str, ...] = ()
IDENTITY = np.arange(4096)
NO_WINDOW = {"WindowCenter": None, "WindowWidth": None, "WindowCenterWidthExplanation": None}
OVERSHOOT = "dcmtk does not read JPEG 2000"


def stored(change: Callable[[np.ndarray], np.ndarray], dtype: str = "<u2", **attributes: Any) -> Change:
    """Return a change of the stored values of the low-energy image."""

    def make(studies: Any) -> None:
        image = studies["le"]
        image.PixelData = change(image.pixel_array.astype(np.int64)).astype(dtype).tobytes()
        put(image, **attributes)

    return make


def table(entries: np.ndarray, first: int = 0, depth: int = 12, count: int | None = None, vr: str = "OW") -> Dataset:
    """Return an item of a LUT."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) if count is None else count, first, depth])
    item.add_new("LUTData", vr, entries.astype("<u2").tobytes() if vr == "OW" else [int(entry) for entry in entries])
    return item


def voi(entries: np.ndarray = IDENTITY, **more: Any) -> Change:
    """Return a change that puts a VOI LUT instead of the windows."""
    return sets("le", VOILUTSequence=[table(entries, **more)], **NO_WINDOW)


def modality(entries: np.ndarray = IDENTITY, **more: Any) -> Change:
    """Return a change that puts a modality LUT instead of the rescale."""

    def make(studies: Any) -> None:
        item = table(entries, **more)
        item.ModalityLUTType = "US"
        put(studies["le"], ModalityLUTSequence=[item], RescaleSlope=None, RescaleIntercept=None, RescaleType=None)

    return make


def compressed(
    syntax: str, plugin: str, bits: int = 12, values: Callable[[np.ndarray], np.ndarray] = lambda x: x, **more: Any
) -> Change:
    """Return a change that compresses the low-energy image, in a code stream with that many bits."""

    def make(studies: Any) -> None:
        image = studies["le"]
        image.PixelData = values(image.pixel_array.astype(np.int64)).astype("<u2").tobytes()
        stated = image.BitsStored, image.HighBit
        image.BitsStored, image.HighBit = bits, bits - 1
        image.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False, **more)
        image.BitsStored, image.HighBit = stated

    return make


def refuses(circumstance: str, change: Change, reason: str, **more: Any) -> Variant:
    """Return a variant whose low-energy image cannot be displayed."""
    return V(circumstance, change, pairs=NONE, left={"le": reason, "de": "no low-energy"}, picture=f"refused: {reason}",
             refused=reason, **more)  # fmt: skip


def overshooting(inverse: bool) -> Change:
    """Return a change to a lossy 16-bit image with values that exceed the 12 bits stored."""
    shape = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"} if inverse else {}
    return both(
        compressed(JPEG2000, "pylibjpeg", 16, lambda x: np.where(x > 2500, x + 1600, x), j2k_cr=[1]),
        sets("le", LossyImageCompression="01", LossyImageCompressionRatio="4", **shape),
    )


def eight_bits(studies: Any) -> None:
    """Store one byte per pixel."""
    image = studies["le"]
    put(image, PixelData=Raw("OB", (image.pixel_array >> 4).astype("u1").tobytes()), BitsAllocated=8, BitsStored=8,
        HighBit=7, WindowCenter="128", WindowWidth="256", WindowCenterWidthExplanation=None)  # fmt: skip


VARIANTS = [
    V("MONOCHROME2 with PresentationLUTShape INVERSE", sets("le", PresentationLUTShape="INVERSE"), picture="inverted"),
    V("MONOCHROME1 with PresentationLUTShape IDENTITY", sets("le", PhotometricInterpretation="MONOCHROME1")),
    V("MONOCHROME1 with PresentationLUTShape INVERSE",
      sets("le", PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"), picture="inverted"),
    V("MONOCHROME1 without PresentationLUTShape",
      sets("le", PhotometricInterpretation="MONOCHROME1", PresentationLUTShape=None), picture="inverted"),
    V("MONOCHROME2 without PresentationLUTShape", sets("le", PresentationLUTShape=None)),
    V("PresentationLUTShape LIN OD", sets("le", PresentationLUTShape="LIN OD")),
    V("PixelPaddingValue that marks air", sets("le", PixelPaddingValue=Raw("US", 0))),
    V("PixelPaddingValue that marks white", sets("le", PixelPaddingValue=Raw("US", 4095))),
    V("HighBit 15: 12 bits left-aligned", stored(lambda x: x << 4, HighBit=15)),
    V("HighBit 13: 12 bits in the middle", stored(lambda x: x << 2, HighBit=13)),
    refuses("HighBit 15, but the values are right-aligned", sets("le", HighBit=15), "HighBit 15"),
    refuses("HighBit 10 with 12 bits", sets("le", HighBit=10), "HighBit 10"),
    V("HighBit missing", sets("le", HighBit=None)),
    V("old overlays in the bits above HighBit", stored(lambda x: x | 0x8000)),
    V("12-bit values declared as 16-bit", sets("le", BitsStored=16, HighBit=15)),
    V("14 bits", stored(lambda x: x << 2, BitsStored=14, HighBit=13, WindowCenter="8192", WindowWidth="16384",
      WindowCenterWidthExplanation=None)),
    V("16 bits", stored(lambda x: x << 4, BitsStored=16, HighBit=15, WindowCenter="32768", WindowWidth="65536",
      WindowCenterWidthExplanation=None)),
    V("signed values", stored(lambda x: (x - 2048) & 0xFFF, PixelRepresentation=1, WindowCenter="0", WindowWidth="4096",
      WindowCenterWidthExplanation=None)),
    V("8 bits", eight_bits, picture="other"),
    V("RLE", compressed(RLELossless, "pydicom")),
    V("JPEG-LS", compressed(JPEGLSLossless, "pyjpegls")),
    V("JPEG 2000, lossless", compressed(JPEG2000Lossless, "pylibjpeg"), unlike_dcmtk=OVERSHOOT),
    V("implicit", lambda s: setattr(s["le"].file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian)),
    V("lossy 16-bit JPEG 2000 in a 12-bit image: values overshoot", overshooting(False), picture="other",
      unlike_dcmtk=OVERSHOOT, states={"LossyImageCompression": "01"}),
    V("the same in MONOCHROME1", overshooting(True), picture="other", unlike_dcmtk=OVERSHOOT),
    V("decompressed after lossy compression, with values beyond the stored bits",
      both(stored(lambda x: np.where(x > 2500, x + 1600, x)), sets("le", LossyImageCompression="01")), picture="other",
      unlike_dcmtk="dcmtk clears the bits above HighBit, which turns the brightest values black"),
    V("LUTDescriptor with 12 bits, 12-bit data", voi()),
    V("LUTDescriptor with 16 bits, 12-bit data: shown dark", voi(depth=16), picture="other"),
    refuses("LUTDescriptor with 12 bits, 16-bit data", voi(IDENTITY * 16), "LUTDescriptor: 12 bits, which its data exceed"),
    refuses("LUTDescriptor with 10 bits, 12-bit data", voi(depth=10), "LUTDescriptor: 10 bits, which its data exceed"),
    refuses("LUTDescriptor with 9 bits", voi(depth=9), "LUTDescriptor: 9 bits"),
    V("LUTDescriptor with 8 bits", voi(IDENTITY // 16, depth=8), picture="other"),
    V("LUTDescriptor with more entries than the data", voi(IDENTITY[:4000], count=4096), picture="other"),
    V("LUTDescriptor with fewer entries than the data", voi(count=4000)),
    V("LUT with US values", voi(vr="US")),
    V("LUT that starts at 1000", voi(IDENTITY[:2000] * 2, first=1000), picture="other"),
    V("decreasing LUT with PresentationLUTShape INVERSE", both(voi(IDENTITY[::-1]), sets("le", PresentationLUTShape="INVERSE"))),
    refuses("LUTData missing", lambda s: (voi()(s), s["le"].VOILUTSequence[0].pop("LUTData")), "LUTData is missing"),
    V("modality LUT", modality()),
    V("16-bit modality LUT", both(modality(IDENTITY * 16, depth=16), sets("le", WindowCenter="32768",
      WindowWidth="65536", WindowCenterWidthExplanation=None))),
    refuses("modality LUT whose data exceed its depth", modality(IDENTITY * 16), "ModalityLUTSequence: LUTDescriptor: 12 bits"),
    V("a VOI LUT and windows", sets("le", VOILUTSequence=[table(IDENTITY)])),
    V("the first of several windows, as workstations show it", sets("le", WindowCenter=["2191", "2048"], WindowWidth=["900", "4096"]),
      picture="other"),
    V("window function SIGMOID", sets("le", VOILUTFunction="SIGMOID"), picture="other"),
    V("window function LINEAR_EXACT", sets("le", VOILUTFunction="LINEAR_EXACT")),
    refuses("an undefined window function", sets("le", VOILUTFunction="LOG"), "VOI LUT Function",
            unlike_dcmtk="dcmtk shows LINEAR instead"),
    refuses("WindowWidth 0", sets("le", WindowWidth="0", WindowCenter="2048"), "Window Width"),
    V("rescale slope 2", sets("le", RescaleSlope="2", RescaleIntercept="-10", WindowCenter="4086", WindowWidth="8192",
      WindowCenterWidthExplanation=None)),
    refuses("rescale slope 0", sets("le", RescaleSlope="0"), "RescaleSlope 0",
            unlike_dcmtk="dcmtk shows the image without the rescale"),
    V("rescale slope -1", sets("le", RescaleSlope="-1", RescaleIntercept="4095"), picture="inverted"),
    V("no window and no LUT", sets("le", **NO_WINDOW)),
    refuses("pixels that are not square", sets("le", ImagerPixelSpacing=["0.1", "0.2"]), "expected square pixels",
            unlike_dcmtk="dcmtk ignores the spacing"),
]  # fmt: skip
