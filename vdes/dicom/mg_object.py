"""The attributes that all Digital Mammography X-Ray Images for presentation written by vdes have in common.

Source: DICOM PS3.3, A.26 and C.8.11.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian

from vdes.dicom.codes import Code, code_item
from vdes.dicom.views import VIEW_CODES

BREAST = Code("76752008", "SCT", "Breast")


def orientation_of(laterality: str, view: str) -> list[str]:
    """Return the PatientOrientation of an image with the chest wall on the side where it is usually displayed.

    The values are the patient's directions towards the right and the bottom of the picture.
    """
    return {
        ("L", "CC"): ["A", "R"],
        ("R", "CC"): ["P", "L"],
        ("L", "MLO"): ["A", "FR"],
        ("R", "MLO"): ["P", "FL"],
    }[laterality, view]


def mammogram_object(
    stored: npt.NDArray[np.uint16], bits: int, instance: UID, laterality: str, view: str, pixel_size_mm: float
) -> FileDataset:
    """Return an object with its image and mammography modules filled in, to be written as explicit little endian.

    The image is MONOCHROME2 without rescale, displayed from 0 to the highest value of its bits. Attributes that only
    the caller can know, such as the orientation, are left out.

    Args:
        stored: (H, W), 0 to 2 ** ``bits`` - 1.
        bits: BitsStored, 8 to 16.
        instance: SOPInstanceUID.
        laterality: L or R.
        view: CC or MLO.
        pixel_size_mm: of square pixels, at the detector.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, instance
    image.Modality, image.PresentationIntentType = "MG", "FOR PRESENTATION"

    image.ImageLaterality, image.ViewPosition = laterality, view
    image.ViewCodeSequence = [code_item(VIEW_CODES[view])]
    image.ViewCodeSequence[0].ViewModifierCodeSequence = []
    image.AnatomicRegionSequence = [code_item(BREAST)]
    image.BodyPartExamined = image.OrganExposed = "BREAST"
    image.PositionerType, image.DetectorType = "MAMMOGRAPHIC", None
    image.AcquisitionContextSequence = []
    spacing = [f"{pixel_size_mm:.8g}"] * 2
    image.ImagerPixelSpacing = spacing

    image.Rows, image.Columns = stored.shape
    image.SamplesPerPixel, image.PixelRepresentation = 1, 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, bits, bits - 1
    image.PhotometricInterpretation, image.PresentationLUTShape = "MONOCHROME2", "IDENTITY"
    # bright pixels received few X-rays
    image.PixelIntensityRelationship, image.PixelIntensityRelationshipSign = "LOG", -1
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = "0", "1", "US"
    image.WindowCenter, image.WindowWidth = str(1 << (bits - 1)), str(1 << bits)
    image.BurnedInAnnotation, image.LossyImageCompression = "NO", "00"
    image.PixelData = np.ascontiguousarray(stored, dtype="<u2").tobytes()
    image["PixelData"].VR = "OW"
    return image
