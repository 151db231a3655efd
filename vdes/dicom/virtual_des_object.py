"""A virtual DES image as a DICOM object, to be stored in an archive alongside its low-energy image."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless

from vdes import __version__
from vdes.dicom.carried import carry_compression, carry_over, orientation_stated, without_burned_in_text
from vdes.dicom.codes import Code, code_item
from vdes.dicom.extra import need_plugin
from vdes.dicom.files import damage_as_input_error, lift_functional_groups, read_header
from vdes.dicom.image_facts import ImageFacts, low_energy_facts
from vdes.dicom.mg_object import mammogram_object
from vdes.dicom.pixels import is_lossy
from vdes.dicom.values import number_of, text_of, uid_of
from vdes.errors import InputError

BITS = 12
COMPRESSIONS = {"none": None, "jpeg-2000": JPEG2000Lossless, "jpeg-ls": JPEGLSLossless, "rle": RLELossless}
SERIES_DESCRIPTION = "Virtual DES, AI-generated, not for diagnosis"
FIRST_SERIES = 9000  # added to the number of the low-energy series, so that virtual series come last
SYNTHESIZING_EQUIPMENT = Code("109100", "DCM", "Synthesizing Equipment")
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")

_ENCODERS = {JPEG2000Lossless: "pylibjpeg", JPEGLSLossless: "pyjpegls", RLELossless: "pydicom"}


@dataclass(frozen=True)
class Model:
    """What made a virtual DES image.

    Attributes:
        name: of the bundle.
        version: of the bundle.
        weights_sha256: hash of the weights file.
        settings: what else the image depends on, such as ``height 512``.
    """

    name: str
    version: str
    weights_sha256: str
    settings: str = ""

    @property
    def description(self) -> str:
        """One sentence for DerivationDescription."""
        settings = f"{self.settings}, " if self.settings else ""
        return (
            f"Virtual DES, estimated from the low-energy image by a neural network: {self.name} {self.version}, "
            f"weights sha256 {self.weights_sha256}, {settings}vdes {__version__}. No contrast uptake was measured. "
            "Not for diagnosis."
        )


def check_source(path: str | Path, deidentified: bool = False) -> ImageFacts:
    """Return the facts of a low-energy image, and make sure that a virtual DES object can be written for it.

    Args:
        path: of the low-energy image.
        deidentified: whether the object is to be de-identified.

    Raises:
        InputError: see `low_energy_facts`; also if the header lacks what the object must copy from it: laterality,
            view (CC or MLO), pixel size and orientation; and, for a de-identified object, the statement that no name
            is burned into the pixels.
    """
    path = Path(path)
    facts = low_energy_facts(path)
    if facts.laterality is None or facts.view is None:
        raise InputError(f"{path}: ImageLaterality {facts.laterality}, {facts.view_found}; expected L or R, CC or MLO")
    if np.isnan(facts.pixel_size_mm):
        raise InputError(f"{path}: ImagerPixelSpacing is missing; expected the pixel size in mm")
    header = read_header(path, ("PatientOrientation", "BurnedInAnnotation"))
    if orientation_stated(header) is None:
        raise InputError(f"{path}: PatientOrientation is missing; expected the directions of rows and columns")
    if deidentified and not without_burned_in_text(header):
        raise InputError(f"{path}: BurnedInAnnotation: not NO; expected pixels that show no name, to de-identify it")
    return facts


def virtual_des_object(
    low_energy: str | Path, values: npt.NDArray[np.floating], model: Model, compression: str = "none"
) -> FileDataset:
    """Return a virtual DES image as a mammography object in its low-energy image's study, to be written by ``save_as``.

    Patient, study, frame of reference, laterality, view, pixel size and pixel grid are those of the low-energy image;
    series and instance are new. The UIDs are derived from the low-energy image's and from the model, so making an image
    twice gives the same UIDs, also on processors whose last bits differ. The header states in several places that the
    image is artificial. `vdes.dicom.carried` lists what is copied from the low-energy image.

    Args:
        low_energy: DICOM file of the low-energy image.
        values: (H, W) on its pixel grid, 0 (black) to 1 (white); stored in `BITS` bits.
        model: what made the image.
        compression: one of `COMPRESSIONS`, all lossless.

    Raises:
        InputError: see `check_source`; also if the compression is unknown or the sizes differ.
    """
    path = Path(low_energy)
    check_compression(compression)
    facts = check_source(path)
    if values.shape != (facts.rows, facts.columns):
        raise InputError(f"{path}: Rows and Columns are {facts.rows} x {facts.columns}; expected {values.shape}")
    with damage_as_input_error(path):
        source = pydicom.dcmread(path, stop_before_pixels=True)
        lift_functional_groups(source)
        stored = np.round(np.clip(values, 0, 1) * ((1 << BITS) - 1)).astype(np.uint16)
        instance = _uid(f"{facts.instance} {model.description}")
        image = mammogram_object(stored, BITS, instance, str(facts.laterality), str(facts.view), facts.pixel_size_mm)
        carry_over(source, image)
        image.StudyInstanceUID = facts.study
        carry_compression(source, image, is_lossy(source))
        # images with "NO" may be published, so only the source may state it
        image.BurnedInAnnotation = "NO" if without_burned_in_text(source) else "YES"
        image.SeriesInstanceUID = _series_uid(source, facts, model)
        image.SeriesNumber = FIRST_SERIES + int(abs(number_of(source, "SeriesNumber") or 0)) % FIRST_SERIES
        _state_origin(image, facts, model)
        syntax = COMPRESSIONS[compression]
        if syntax is not None:
            image.compress(syntax, encoding_plugin=_ENCODERS[syntax], generate_instance_uid=False)
    return image


def check_compression(compression: str) -> None:
    """Make sure that a compression is known, and that its encoder is installed.

    Raises:
        InputError: it is not one of `COMPRESSIONS`, or needs the extra ``dicom``.
    """
    if compression not in COMPRESSIONS:
        raise InputError(f"compression: {compression!r}; expected one of {', '.join(COMPRESSIONS)}")
    syntax = COMPRESSIONS[compression]
    if syntax is not None:
        need_plugin(f"compression: {compression}", _ENCODERS[syntax])


def _uid(text: str) -> UID:
    """Return the UID derived from a text (PS3.5, B.2)."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, text).int}")


def _series_uid(source: Dataset, facts: ImageFacts, model: Model) -> UID:
    """Return the UID of the new series: one for each series, patient and frame of reference of the sources.

    A series belongs to one patient, study and frame of reference. A source without a series gets a new one to itself.
    """
    frame = text_of(source, "FrameOfReferenceUID")
    series = uid_of(source, "SeriesInstanceUID") or f"of {facts.instance}"
    return _uid(f"{facts.study} {facts.identity.patient} {series} {frame} {model.description}")


def _state_origin(image: Dataset, facts: ImageFacts, model: Model) -> None:
    # no creation time, because an image that is made twice has the same UID and must be the same object
    image.ImageType = ["DERIVED", "PRIMARY", "", "GENERATED_2D", ""]
    image.SyntheticData = "YES"
    image.ContentQualification = "RESEARCH"
    image.SeriesDescription = SERIES_DESCRIPTION
    image.DerivationDescription = model.description
    image.Manufacturer, image.ManufacturerModelName = "vdes", model.name[:64]
    image.SoftwareVersions = __version__

    equipment = Dataset()
    equipment.Manufacturer, equipment.ManufacturerModelName = image.Manufacturer, image.ManufacturerModelName
    equipment.SoftwareVersions = [__version__, model.version]
    equipment.ContributionDescription = SERIES_DESCRIPTION
    equipment.PurposeOfReferenceCodeSequence = [code_item(SYNTHESIZING_EQUIPMENT)]
    image.ContributingEquipmentSequence = [equipment]

    reference = Dataset()
    reference.ReferencedSOPClassUID = facts.sop_class
    reference.ReferencedSOPInstanceUID = facts.instance
    reference.PurposeOfReferenceCodeSequence = [code_item(SOURCE_IMAGE)]
    reference.SpatialLocationsPreserved = "YES"
    image.SourceImageSequence = [reference]
