"""What the header of an image file states, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import UID

from vdes.dicom import identity, kinds, views
from vdes.dicom.files import damage_as_input_error, read_header
from vdes.dicom.identity import Identity, identity_of
from vdes.dicom.kinds import DES, HIGH_ENERGY, LOW_ENERGY, OTHER, UNKNOWN, VIRTUAL_DES, Kind, kind_of
from vdes.dicom.pixels import pixel_size_mm, raw_reason
from vdes.dicom.times import Moment, moments_of
from vdes.dicom.values import DamageError, codes_of, items_of, text_of, texts_of, uid_of, unreadable
from vdes.dicom.views import laterality_of, modifiers_of, view_of
from vdes.errors import InputError

KEYWORDS = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
    "AcquisitionUID", "IrradiationEventUID", "SourceImageSequence", "ReferencedImageSequence", "Modality",
    "AccessionNumber", "PresentationIntentType", "ImagerPixelSpacing", "PixelSpacing", "AcquisitionDateTime",
    "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime", "TimezoneOffsetFromUTC", "FrameLaterality",
    *identity.KEYWORDS, *kinds.KEYWORDS, *views.KEYWORDS,
)  # fmt: skip
# identifiers that two images of the same acquisition share
ACQUISITION_UIDS = ("FrameOfReferenceUID", "AcquisitionUID", "IrradiationEventUID")
_PRESENTATION = (
    "1.2.840.10008.5.1.4.1.1.1.2",  # Digital Mammography X-Ray Image, for presentation
    "1.2.840.10008.5.1.4.1.1.13.1.4",  # Breast Projection X-Ray Image, for presentation
)
_MODALITIES = ("MG", "CR", "DX", "CT", "MR", "US", "PT", "NM", "OT", "SC", "SR", "PR", "KO", "SEG", "XA", "RF", "XC")


@dataclass(frozen=True)
class ImageFacts:
    """The facts by which images are sorted and paired.

    Attributes:
        path: the file.
        instance, study, sop_class: UIDs; the last may be empty.
        accession: accession number of the study, perhaps empty.
        identity: of the patient; not for output.
        foreign: why the image is not a mammogram for presentation, None if it is one.
        raw: why it is raw, None for an image for presentation.
        kind: what the image is in CESM.
        laterality: L, R or None.
        laterality_found: "missing", "contradictory", or empty if the laterality is known.
        view: CC, MLO or None.
        view_found: what the header states about the view.
        rows, columns: size in pixels.
        pixel_size_mm: NaN if unknown.
        modifiers: codes of the view's modifiers.
        part: why it does not show the whole breast, None if it does.
        contrast: PRE_CONTRAST, POST_CONTRAST or empty.
        acquisition: values of `ACQUISITION_UIDS`, as far as the header has them.
        sources: instances that SourceImageSequence names, and whether each is an image for presentation.
        references: instances that ReferencedImageSequence names.
        moments: when it was acquired and created, see `vdes.dicom.times.moments_of`.
        unreadable: attributes whose value cannot be understood.
    """

    path: Path
    instance: str
    study: str
    kind: Kind
    laterality: str | None
    view: str | None
    view_found: str
    rows: int
    columns: int
    pixel_size_mm: float
    sop_class: str = ""
    accession: str = ""
    laterality_found: str = ""
    identity: Identity = field(default_factory=Identity)
    foreign: str | None = None
    raw: str | None = None
    modifiers: frozenset[str] = frozenset()
    part: str | None = None
    contrast: str = ""
    acquisition: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sources: Mapping[str, bool] = field(default_factory=dict)
    references: frozenset[str] = frozenset()
    moments: Mapping[str, Moment] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()


def read_image_facts(path: Path) -> ImageFacts:
    """Read the facts of one image file; its pixels are not decoded.

    Raises:
        InputError: see `vdes.dicom.files.read_header`; also if a UID is missing or pixels are not square.
    """
    with damage_as_input_error(path):
        return image_facts(read_header(path, KEYWORDS), path)


def image_facts(header: Dataset, path: Path) -> ImageFacts:
    """Return the facts of an image from its header.

    Args:
        header: the attributes `KEYWORDS` and those that describe the pixels, as far as the object has them.
        path: of the file.

    Raises:
        DamageError: a UID is missing or pixels are not square.
    """
    view, view_found = view_of(header)
    modifiers, part = modifiers_of(header)
    return ImageFacts(
        path=path,
        instance=_uid(header, "SOPInstanceUID"),
        study=_uid(header, "StudyInstanceUID"),
        sop_class=text_of(header, "SOPClassUID"),
        accession=text_of(header, "AccessionNumber"),
        identity=identity_of(header),
        foreign=_foreign(header),
        raw=raw_reason(header),
        kind=kind_of(header),
        laterality=laterality_of(header),
        laterality_found=_laterality_found(header),
        view=view,
        view_found=view_found,
        rows=int(header.Rows),
        columns=int(header.Columns),
        pixel_size_mm=pixel_size_mm(header),
        modifiers=modifiers,
        part=part,
        contrast=next((code for code in codes_of(header, "ImageType") if code in _CONTRASTS), ""),
        acquisition={keyword: frozenset(uids) for keyword in ACQUISITION_UIDS if (uids := texts_of(header, keyword))},
        sources={
            uid: text_of(item, "ReferencedSOPClassUID") in _PRESENTATION
            for item in items_of(header, "SourceImageSequence")
            if (uid := uid_of(item, "ReferencedSOPInstanceUID"))
        },
        references=frozenset(
            uid
            for item in items_of(header, "ReferencedImageSequence")
            if (uid := uid_of(item, "ReferencedSOPInstanceUID"))
        ),
        moments=moments_of(header),
        unreadable=tuple(unreadable(header)),
    )


def _laterality_found(header: Dataset) -> str:
    if laterality_of(header) is not None:
        return ""
    return "contradictory" if codes_of(header, "ImageLaterality") else "missing"


_CONTRASTS = ("PRE_CONTRAST", "POST_CONTRAST")


def refusal(facts: ImageFacts) -> str | None:
    """Return why an image cannot belong to a pair of low energy and DES, or None.

    Both the datalist and the synthesis of studies in an archive use this check.
    """
    if facts.foreign or facts.raw:
        return facts.foreign or facts.raw
    evidence = facts.kind.evidence
    if facts.kind.name == VIRTUAL_DES:
        return f"virtual DES ({evidence}); expected an image that was acquired"
    if facts.kind.name == HIGH_ENERGY:
        return f"high-energy image, not for display ({evidence})"
    if facts.kind.name not in (LOW_ENERGY, DES):
        return f"neither low-energy nor DES ({evidence})"
    if facts.laterality is None:
        return f"ImageLaterality is {facts.laterality_found}; expected L or R"
    if facts.view is None:
        return f"{facts.view_found}; expected CC or MLO"
    if facts.part is not None:
        return f"{facts.part}; expected a view of the whole breast"
    return None


def low_energy_facts(path: Path) -> ImageFacts:
    """Read the facts of a file that the user passes as a low-energy image.

    Raises:
        InputError: see `read_image_facts`; also if the image is raw, or is a DES, high-energy, virtual or other image
            according to its header. If the header does not tell, the user's word counts.
    """
    facts = _facts_for_presentation(path)
    if facts.kind.name not in (LOW_ENERGY, UNKNOWN):
        raise InputError(f"{path}: {_is(facts)} ({facts.kind.evidence}); expected a low-energy image")
    return facts


def des_facts(path: Path) -> ImageFacts:
    """Read the facts of a file that the user passes as a DES image, real or virtual.

    Raises:
        InputError: see `read_image_facts`; also if the image is raw, or is a low-energy, high-energy or other image
            according to its header. The beam alone is not enough for that: a DES image may have the KVP or the filter
            of an exposure that it was made from.
    """
    facts = _facts_for_presentation(path)
    by_beam = facts.kind.evidence.startswith(("KVP", "FilterMaterial"))
    if facts.kind.name in (LOW_ENERGY, HIGH_ENERGY, OTHER) and not by_beam:
        raise InputError(f"{path}: {_is(facts)} ({facts.kind.evidence}); expected a DES image")
    return facts


def _is(facts: ImageFacts) -> str:
    return "is another kind of image" if facts.kind.name == OTHER else f"is a {facts.kind.name} image"


def _facts_for_presentation(path: Path) -> ImageFacts:
    facts = read_image_facts(path)
    if facts.foreign or facts.raw:
        raise InputError(f"{path}: {facts.foreign or facts.raw}")
    return facts


def _foreign(header: Dataset) -> str | None:
    modality = text_of(header, "Modality")
    if modality != "MG":
        # reports show only known modalities, because the field might contain anything
        return f"Modality {modality if modality in _MODALITIES else 'missing or unknown'}; expected MG"
    sop_class = text_of(header, "SOPClassUID")
    if raw_reason(header) is None and sop_class not in _PRESENTATION:
        name = UID(sop_class).name
        shown = name if name != sop_class else "missing or private" if sop_class else "missing"
        return f"SOPClassUID: {shown}; expected a mammogram for presentation"
    return None


def _uid(header: Dataset, keyword: str) -> str:
    uid = uid_of(header, keyword)
    if not uid:
        raise DamageError(f"{keyword} is missing or not a UID")
    return uid
