"""Find the mammograms of a folder of DICOM studies."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from vdes.data.isolated import each_file
from vdes.dicom import read_mammogram
from vdes.dicom.image_facts import ImageFacts, read_image_facts
from vdes.dicom.kinds import DES, HIGH_ENERGY, LOW_ENERGY, VIRTUAL_DES
from vdes.errors import InputError

SECONDS_A_FILE = 10.0
WORKERS = 2


@dataclass
class Scan:
    """What a folder holds.

    Attributes:
        images: low-energy and DES images of CC and MLO views for presentation, in the order of their paths.
        left_out: every other file, with the reason.
    """

    images: list[ImageFacts] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)


def scan_folder(folder: Path, workers: int = WORKERS, check_pixels: bool = False) -> Scan:
    """Read the headers of all files in a folder and its sub-folders, whatever their names.

    Args:
        folder: of studies; hidden files are passed over.
        workers: processes.
        check_pixels: decode each image once; those that cannot be decoded are left out.

    Raises:
        InputError: the folder does not exist or holds no file.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected a folder of DICOM studies")
    files = sorted(
        Path(parent) / name for parent, _, names in os.walk(folder) for name in names if not name.startswith(".")
    )
    if not files:
        raise InputError(f"{folder}: no file in it; expected DICOM studies")
    scan = Scan()
    seen: dict[str, Path] = {}
    read = read_intact_image if check_pixels else read_image_facts
    for file, found in zip(files, each_file(read, files, workers, SECONDS_A_FILE, "DICOM files"), strict=True):
        if isinstance(found, InputError):
            # a report gives the file's name beside the reason
            scan.left_out[file] = str(found).removeprefix(f"{file}: ")
            continue
        refusal = _refusal(found)
        if refusal is None and seen.setdefault(found.instance, file) != file:
            refusal = "copy of another file: same SOPInstanceUID"
        if refusal is None:
            scan.images.append(found)
        else:
            scan.left_out[file] = refusal
    return scan


def read_intact_image(path: Path) -> ImageFacts:
    """Read the facts of one image, and decode it if it can be part of a pair.

    Raises:
        InputError: see `read_image_facts` and `vdes.dicom.read_mammogram`.
    """
    facts = read_image_facts(path)
    if _refusal(facts) is None:
        read_mammogram(path)
    return facts


def _refusal(facts: ImageFacts) -> str | None:
    """Return why an image cannot be part of a pair, or None."""
    if facts.modality != "MG":
        return f"Modality {facts.modality or 'missing'}; expected MG"
    if facts.raw:
        return facts.raw
    if facts.kind.name == VIRTUAL_DES:
        return f"virtual DES ({facts.kind.evidence}); expected an image that was acquired"
    if facts.kind.name == HIGH_ENERGY:
        return f"high-energy image, not for display ({facts.kind.evidence})"
    if facts.kind.name not in (LOW_ENERGY, DES):
        return f"neither low-energy nor DES ({facts.kind.evidence})"
    if facts.laterality is None:
        return "ImageLaterality is missing; expected L or R"
    if facts.view is None:
        return f"{facts.view_found}; expected CC or MLO"
    return None
