"""Phantom images as the mammographs of two makers would send them.

The makers differ in the same ways as real ones: in how they mark low energy and DES, in polarity, in windows or LUTs,
in transfer syntax, and in private attributes. Dates and UIDs are derived from the settings, so equal sets are equal.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from vdes.dicom.mg_object import mammogram_object, orientation_of
from vdes.phantom.presentation import WHITE
from vdes.phantom.settings import Settings

MAKERS = ("GE", "Hologic")
BITS = 12
_DATE = "20200101"
_ORDER = {("L", "CC"): 0, ("R", "CC"): 1, ("L", "MLO"): 2, ("R", "MLO"): 3}
_KVP = {"low_energy": "29", "des": "49"}


def maker_of(index: int) -> str:
    """Return the maker of the mammograph of the patient with that index."""
    return MAKERS[index % len(MAKERS)]


def write_dicom(
    path: Path,
    pixels: npt.NDArray[np.generic],
    *,
    index: int,
    laterality: str,
    view: str,
    modality: str,
    settings: Settings,
) -> None:
    """Write a low-energy or DES image.

    Args:
        path: ends in ``.dcm``.
        pixels: (H, W), presentation values from 0 to 4095.
        index: index of the patient, from 0.
        laterality: L or R.
        view: CC or MLO.
        modality: low_energy or des.
        settings: settings of the set.
    """
    study = _uid(settings, index, "study")
    pixels = pixels.astype(np.uint16)
    shown = pixels.astype(np.uint16)
    image = mammogram_object(
        shown, BITS, _uid(settings, index, "image", laterality, view, modality), laterality, view, settings.pixel_mm
    )
    image.PatientOrientation = orientation_of(laterality, view)
    number = _ORDER[laterality, view]
    image.PatientName, image.PatientID = f"PHANTOM^{index + 1}", f"PHANTOM{index + 1}"
    image.PatientBirthDate, image.PatientSex, image.ReferringPhysicianName = "", "F", ""
    image.StudyInstanceUID, image.StudyID, image.AccessionNumber = study, str(index + 1), f"A{index + 1}"
    image.StudyDate = image.AcquisitionDate = image.ContentDate = _DATE
    image.StudyTime = "080000"
    # one view per minute; the recombined image follows its low-energy image after a few seconds
    image.AcquisitionTime = image.ContentTime = f"08{2 + number:02d}{'00' if modality == 'low_energy' else '05'}"
    image.FrameOfReferenceUID = _uid(settings, index, "frame", laterality, view)
    image.PositionReferenceIndicator = ""
    image.SeriesInstanceUID = _uid(settings, index, "series", laterality, view, modality)
    image.SeriesNumber = 2 * number + (1 if modality == "low_energy" else 2)
    image.InstanceNumber = number + 1
    image.KVP = _KVP[modality]
    image.BodyPartThickness, image.CompressionForce = "55", "90"
    image.EntranceDoseInmGy, image.OrganDose = "6.1", "0.016"
    image.BreastImplantPresent = "NO"
    (_as_ge if maker_of(index) == "GE" else _as_hologic)(image, shown, modality)
    image.save_as(path, enforce_file_format=True)


def _as_ge(image: Dataset, pixels: npt.NDArray[np.uint16], modality: str) -> None:
    """ImageType and processing code state the kind; three windows; explicit little endian."""
    low_energy = modality == "low_energy"
    image.Manufacturer, image.ManufacturerModelName = "GE MEDICAL SYSTEMS", "Phantom in the manner of Senographe"
    origin, kind = ("ORIGINAL", "LOW_ENERGY") if low_energy else ("DERIVED", "RECOMBINED")
    image.ImageType = [origin, "PRIMARY", "", kind]
    image.AcquisitionDeviceProcessingCode = "GEMS_FFDM_PV" if low_energy else "GEMS_CESM_1"
    image.SeriesDescription = "CESM low energy" if low_energy else "CESM recombined"
    image.WindowCenter, image.WindowWidth = ["2048", "2191", "2105"], ["4096", "900", "380"]
    image.WindowCenterWidthExplanation = ["NORMAL", "HARDER", "SOFTER"]
    private = image.private_block(0x0045, "GEMS_SENO_02", create=True)
    private.add_new(0xF0, "LO", "phantom")


def _as_hologic(image: Dataset, pixels: npt.NDArray[np.uint16], modality: str) -> None:
    """Only the series description states the kind; MONOCHROME1 with a VOI LUT; implicit little endian."""
    low_energy = modality == "low_energy"
    image.Manufacturer, image.ManufacturerModelName = "HOLOGIC, Inc.", "Phantom in the manner of Selenia"
    image.ImageType = ["DERIVED", "PRIMARY"]
    side = f"{image.ImageLaterality} {image.ViewPosition}"
    image.SeriesDescription = f"{side} Low Energy" if low_energy else f"{side} I-View"
    image.PhotometricInterpretation, image.PresentationLUTShape = "MONOCHROME1", "INVERSE"
    image.PixelIntensityRelationshipSign = 1
    image.PixelData = (WHITE - pixels).astype("<u2").tobytes()
    del image.WindowCenter, image.WindowWidth
    lut = Dataset()
    lut.LUTDescriptor, lut.LUTExplanation = [1 << BITS, 0, BITS], "NORMAL"
    lut.add_new("LUTData", "OW", np.arange(1 << BITS, dtype="<u2").tobytes())
    image.VOILUTSequence = [lut]
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    private = image.private_block(0x0019, "LORAD Selenia", create=True)
    private.add_new(0xF0, "LO", "phantom")


def _uid(settings: Settings, *parts: object) -> UID:
    """Return a UID that is derived from the set and the part."""
    text = json.dumps([settings.record(), *parts], sort_keys=True)
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, text).int}")
