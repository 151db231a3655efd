"""What the header of an image file says, as plain values."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from vdes.dicom import kinds, views
from vdes.dicom.files import damage_as_input_error, read_header
from vdes.dicom.kinds import DES, HIGH_ENERGY, LOW_ENERGY, VIRTUAL_DES, Kind, kind_of
from vdes.dicom.pixels import pixel_size_mm, raw_reason
from vdes.dicom.views import laterality_of, view_of
from vdes.errors import InputError

_KEYWORDS = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality",
    "PatientID", "IssuerOfPatientID", "AccessionNumber", "PresentationIntentType", "ImagerPixelSpacing",
    "PixelSpacing", "AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime",
    "FrameLaterality", *kinds.KEYWORDS, *views.KEYWORDS,
)  # fmt: skip


@dataclass(frozen=True)
class ImageFacts:
    """The facts that images are sorted and paired by.

    Attributes:
        path: the file.
        instance, study, frame_of_reference: UIDs; the last may be empty.
        accession: accession number of the study, perhaps empty.
        patient: patient's ID with its issuer, perhaps empty; not for output.
        modality: such as MG.
        kind: what the image is in CESM.
        raw: why it is raw, None for an image for presentation.
        laterality: L, R or None.
        view: CC, MLO or None.
        view_found: what the header says of the view.
        acquired: when, or None.
        rows, columns: size in pixels.
        pixel_size_mm: NaN where unknown.
    """

    path: Path
    instance: str
    study: str
    frame_of_reference: str
    accession: str
    patient: str
    modality: str
    kind: Kind
    raw: str | None
    laterality: str | None
    view: str | None
    view_found: str
    acquired: datetime.datetime | None
    rows: int
    columns: int
    pixel_size_mm: float


def read_image_facts(path: Path) -> ImageFacts:
    """Read the facts of one image file; its pixels are not decoded.

    Raises:
        InputError: see `vdes.dicom.files.read_header`; also where a value cannot be understood or a UID is missing.
    """
    header = read_header(path, _KEYWORDS)
    with damage_as_input_error(path):
        view, view_found = view_of(header)
        return ImageFacts(
            path=path,
            instance=_uid(header, "SOPInstanceUID"),
            study=_uid(header, "StudyInstanceUID"),
            frame_of_reference=str(header.get("FrameOfReferenceUID") or ""),
            accession=str(header.get("AccessionNumber") or ""),
            patient="^".join(str(header.get(key) or "") for key in ("PatientID", "IssuerOfPatientID")).strip("^ "),
            modality=str(header.get("Modality") or ""),
            kind=kind_of(header),
            raw=raw_reason(header),
            laterality=laterality_of(header),
            view=view,
            view_found=view_found,
            acquired=_acquired(header),
            rows=int(header.Rows),
            columns=int(header.Columns),
            pixel_size_mm=pixel_size_mm(header),
        )


def low_energy_facts(path: Path) -> ImageFacts:
    """Read the facts of a file that a user says is a low-energy image.

    Raises:
        InputError: see `read_image_facts`; also when the image is raw, or its header says that it is a DES, high-energy
            or virtual image. One whose header says nothing is taken for what the user says.
    """
    facts = _facts_for_presentation(path)
    if facts.kind.name in (DES, HIGH_ENERGY, VIRTUAL_DES):
        raise InputError(f"{path}: is a {facts.kind.name} image ({facts.kind.evidence}); expected a low-energy image")
    return facts


def des_facts(path: Path) -> ImageFacts:
    """Read the facts of a file that a user says is a DES image, real or virtual.

    Raises:
        InputError: see `read_image_facts`; also when the image is raw, or its header says that it is a low- or
            high-energy image. KVP alone does not say so: a DES image may have that of an exposure it was made from.
    """
    facts = _facts_for_presentation(path)
    if facts.kind.name in (LOW_ENERGY, HIGH_ENERGY) and not facts.kind.evidence.startswith("KVP"):
        raise InputError(f"{path}: is a {facts.kind.name} image ({facts.kind.evidence}); expected a DES image")
    return facts


def _facts_for_presentation(path: Path) -> ImageFacts:
    facts = read_image_facts(path)
    if facts.raw:
        raise InputError(f"{path}: {facts.raw}")
    return facts


def _uid(header: Dataset, keyword: str) -> str:
    uid = header.get(keyword)
    if not uid or not uid.is_valid:
        raise ValueError(f"{keyword}: {str(uid)[:64]!r} is no UID")
    return str(uid)


def _acquired(header: Dataset) -> datetime.datetime | None:
    """Return the time of acquisition, or else of the content, without its zone: one study is of one place."""
    texts = [
        str(header.get("AcquisitionDateTime") or ""),
        str(header.get("AcquisitionDate") or "") + str(header.get("AcquisitionTime") or ""),
        str(header.get("ContentDate") or "") + str(header.get("ContentTime") or ""),
    ]
    for text in texts:
        digits, _, fraction = text.partition(".")
        try:
            whole = datetime.datetime.strptime(digits[:14], "%Y%m%d%H%M%S")
        except ValueError:
            continue
        micro = "".join(character for character in fraction[:6] if character.isdigit())
        return whole.replace(microsecond=int(micro.ljust(6, "0")) if micro else 0)
    return None
