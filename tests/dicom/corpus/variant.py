"""What a variant is, and what vdes makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import torch
from pydicom import Dataset

from corpus.studies import Change
from vdes.data.dicom_folder.datalist import list_items
from vdes.data.dicom_folder.explanation import name_in
from vdes.data.dicom_folder.folder import find_files, read_intact_image, sort_out
from vdes.data.dicom_folder.labels import StudyLabels
from vdes.data.dicom_folder.pairs import pair_images
from vdes.data.dicom_folder.persons import persons_of
from vdes.dicom import read_mammogram
from vdes.dicom.virtual_des_object import check_source
from vdes.dicom.virtual_des_writer import VirtualDesWriter
from vdes.errors import InputError
from vdes.transforms.read_mammogram import ReadMammogram

PAIRED = ("le+de",)
KINDS = {
    "A": "Pairing", "B": "Identity", "C": "What an image is", "D": "Stored bits", "E": "De-identification",
    "F": "Values that are empty, doubled or badly encoded", "G": "Reading", "I": "What an object states",
}  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """A circumstance: what is changed in a phantom study, and the expected outcome.

    Attributes:
        kind: one of `KINDS`.
        circumstance: in words, unique.
        change: of the study.
        pairs: names of the images that are listed as pairs, with +.
        by: text that the evidence of the first pair must contain.
        left: images that are left out, with text that the reason must contain.
        picture: of the low-energy image, compared with the unchanged one: same, inverted, other, or what refuses it.
        states: attributes of the virtual DES object of ``le``, None for absent; of a de-identified one with ``~``.
        refused: why no object is written for ``le``, if none is.
        maker: of the phantom.
        patients: how many are listed.
        unlike_dcmtk: why dcmtk's picture differs or is missing.
    """

    kind: str
    circumstance: str
    change: Change
    pairs: Sequence[str] = PAIRED
    by: str = ""
    left: Mapping[str, str] = field(default_factory=dict)
    picture: str = "same"
    states: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    maker: str = "GE"
    patients: int | None = None
    unlike_dcmtk: str = ""

    @property
    def like_dcmtk(self) -> bool:
        """Whether it has a picture that must equal dcmtk's."""
        return not self.unlike_dcmtk and not self.picture.startswith("refused")

    @property
    def name(self) -> str:
        """A neutral name for its folder."""
        return f"{self.kind}{hashlib.sha256(self.circumstance.encode()).hexdigest()[:8]}"


@dataclass
class Outcome:
    """What vdes made of a variant.

    Attributes:
        pairs: of the datalist, by the names of the files, with the evidence.
        left: files left out, with the reason.
        patients: how many are listed.
        notes: of the scan.
        picture: same, inverted, other, or the refusal.
        written: the objects written for ``le``, by whether they are de-identified, or why there is none.
    """

    pairs: dict[str, str]
    left: dict[str, str]
    patients: int
    notes: list[str]
    picture: str
    written: dict[bool, Path | str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """One line for the documentation."""
        parts = [f"`{pair}` paired by {evidence}" for pair, evidence in self.pairs.items()]
        parts += [f"`{name}` left out: {why}" for name, why in self.left.items()]
        if self.picture == "inverted":
            parts.append("shown inverted")
        elif self.picture == "other":
            parts.append("shown as dcmtk shows it")
        parts += [f"noted: {note}" for note in self.notes]
        if isinstance(self.written.get(False), str):
            parts.append(f"no object: {self.written[False]}")
        return "; ".join(parts).replace("|", "\\|")


def vdes_does(folder: Path, like: np.ndarray) -> Outcome:
    """Find out what vdes makes of a folder: datalist and pictures.

    Args:
        folder: of the variant.
        like: the picture of the unchanged low-energy image.
    """
    files, hidden = find_files(folder)
    found = [(file, _facts(file)) for file in files]
    scan = sort_out(found)
    pairs = pair_images(scan.images)
    kept = [pair for pair in pairs if pair.complete]
    persons = persons_of(pair.present for pair in kept)
    items = list_items(kept, persons, StudyLabels())
    left = {name_in(folder, file): why for file, why in scan.left_out.items()}
    left |= {name_in(folder, pair.present.path): pair.evidence for pair in pairs if not pair.complete}
    notes = sorted({*scan.notes, *(why for reasons in persons.reasons.values() for why in reasons)})
    return Outcome(
        pairs=dict(
            sorted(
                (f"{name_in(folder, pair.low_energy.path)}+{name_in(folder, pair.des.path)}", pair.evidence)
                for pair in kept
                if pair.low_energy and pair.des
            )
        ),
        left={name: why.removesuffix(" (--include-unpaired keeps it)") for name, why in sorted(left.items())},
        patients=len({item["patient"] for item in items}),
        notes=[*notes, *(["hidden folders, skipped"] if hidden else [])],
        picture=_picture(folder / "le", like) if (folder / "le").exists() else "absent",
    )


def write_objects(file: Path, folder: Path) -> dict[bool, Path | str]:
    """Run a tiny network on a low-energy image and write its output as objects, plain and de-identified.

    Returns:
        The files, or why none was written.
    """
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    torch.nn.init.constant_(network.weight, 1 / 9)
    torch.nn.init.zeros_(network.bias)
    written: dict[bool, Path | str] = {}
    for deidentified in (False, True):
        try:
            check_source(file, deidentified)
            image = ReadMammogram()(file)
            with torch.no_grad():
                values = 1 - network(image.as_tensor()[None] / 65535)[0, 0].numpy()
            target = folder / f"{deidentified}.dcm"
            VirtualDesWriter("tiny", "1.0", None, "none", deidentified)(target, file, values)
            written[deidentified] = target
        except InputError as error:
            written[deidentified] = str(error).removeprefix(f"{file}: ")
    return written


def stated(image: Dataset, keyword: str) -> Any:
    """Return what an object states: values as text, the code values of a sequence, None where it is absent."""
    element = image.get(keyword)
    if keyword not in image:
        return None
    if isinstance(element, pydicom.Sequence):
        return [item.get("CodeValue", "") for item in element]
    if hasattr(element, "append"):
        return [str(value) for value in element]
    return "" if element is None else str(element)


def _facts(file: Path) -> Any:
    try:
        return read_intact_image(file)
    except InputError as error:
        return error


def _picture(file: Path, like: np.ndarray) -> str:
    try:
        shown = read_mammogram(file).pixels
    except InputError as error:
        return f"refused: {str(error).removeprefix(f'{file}: ')}"
    if shown.shape != like.shape:
        return "other"
    # what 12 bits, rounded once more by a compression, can differ by
    if np.abs(shown - like).max() <= 130:
        return "same"
    return "inverted" if np.abs(65535 - shown - like).max() <= 130 else "other"
