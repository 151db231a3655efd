"""Find the mammograms of a folder of DICOM studies."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from vdes.data.dicom_folder.settings import WORKERS
from vdes.data.isolated import each_file
from vdes.dicom import read_mammogram
from vdes.dicom.extra import INSTALL
from vdes.dicom.image_facts import ImageFacts, read_image_facts, refusal
from vdes.errors import InputError

SECONDS_A_FILE = 10.0
_COPY = "copy of another file: same SOPInstanceUID"


@dataclass
class Scan:
    """What a folder holds.

    Attributes:
        images: low-energy and DES images of CC and MLO views for presentation, in the order of their paths.
        left_out: every other file, with the reason.
        refused: the facts of those that were left out although their header could be read.
        notes: what else users should know, with the files and folders concerned.
    """

    images: list[ImageFacts] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)
    refused: dict[Path, ImageFacts] = field(default_factory=dict)
    notes: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))


def scan_folder(folder: Path, workers: int = WORKERS, check_pixels: bool = False) -> Scan:
    """Read the headers of all files in a folder and its sub-folders, whatever their names.

    Args:
        folder: folder of studies. Hidden files and folders are skipped, because file servers keep snapshots there.
            Links to folders are followed, each folder once.
        workers: number of processes.
        check_pixels: decode each image once, and leave out those that cannot be decoded.

    Raises:
        InputError: the folder does not exist or is empty, or a decoder is not installed.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected a folder of DICOM studies")
    files, hidden = find_files(folder)
    if not files:
        raise InputError(f"{folder}: contains no files; expected DICOM studies")
    read = read_intact_image if check_pixels else read_image_facts
    found = each_file(read, files, workers, SECONDS_A_FILE, "DICOM files")
    scan = sort_out(zip(files, found, strict=True))
    if hidden:
        scan.notes["hidden folders, skipped"] += hidden
    return scan


def sort_out(found: Iterable[tuple[Path, ImageFacts | InputError]]) -> Scan:
    """Separate the images that can be part of a pair from the other files.

    Args:
        found: files with their facts, or the error if they could not be read.
    """
    scan = Scan()
    seen: dict[str, list[ImageFacts]] = defaultdict(list)
    for file, facts in found:
        if isinstance(facts, InputError):
            if str(facts).endswith(INSTALL):
                raise facts  # otherwise all files with that compression would be left out
            # reports name the file next to the reason
            scan.left_out[file] = str(facts).removeprefix(f"{file}: ")
            continue
        if facts.unreadable:
            scan.notes[f"{', '.join(facts.unreadable)} invalid, ignored"].append(file)
        reason = refusal(facts)
        if reason is None and any(_is_copy(facts, other) for other in seen[facts.instance]):
            reason = _COPY
        if reason is not None:
            scan.left_out[file], scan.refused[file] = reason, facts
            continue
        if seen[facts.instance]:
            scan.notes["images that differ, though they share a SOPInstanceUID"].append(file)
        seen[facts.instance].append(facts)
        scan.images.append(facts)
    return scan


def read_intact_image(path: Path) -> ImageFacts:
    """Read the facts of one image, and decode it if it can be part of a pair.

    Raises:
        InputError: see `read_image_facts` and `vdes.dicom.read_mammogram`.
    """
    facts = read_image_facts(path)
    if refusal(facts) is None:
        read_mammogram(path)
    return facts


def _is_copy(one: ImageFacts, other: ImageFacts) -> bool:
    """Return whether two headers with one SOPInstanceUID are equal; images that merely share a UID are not copies."""
    return replace(one, path=other.path) == other


def find_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of a folder and its sub-folders, and the hidden folders that were skipped."""
    files, hidden = [], []
    entered = {os.path.realpath(folder)}
    for parent, folders, names in os.walk(folder, followlinks=True):
        hidden += [Path(parent) / name for name in folders if name.startswith(".")]
        folders[:] = [name for name in sorted(folders) if _enter(folder, Path(parent) / name, entered)]
        files += [Path(parent) / name for name in names if not name.startswith(".")]
    return sorted(files), sorted(hidden)


def _enter(root: Path, folder: Path, entered: set[str]) -> bool:
    """Return whether to enter a folder: it must be visible, and not entered yet under this or another name."""
    if folder.name.startswith("."):
        return False
    real = Path(folder).resolve()
    if folder.is_symlink() and real.is_relative_to(root.resolve()):
        inside = real.relative_to(root.resolve())
        if not any(part.startswith(".") for part in inside.parts):
            return False  # it is entered under its own name
    if str(real) in entered:
        return False
    entered.add(str(real))
    return True
