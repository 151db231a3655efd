"""Phantom studies in memory, to be changed and then written as a folder."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import UID

from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings

MAKERS = {"GE": "P1", "Hologic": "P2"}
SIZE = 64


@dataclass
class Studies:
    """The images of a variant, by the names of their files.

    Attributes:
        images: the data sets; ``le`` and ``de`` are low energy and DES of the left breast in CC.
        rewritten: what to do with the bytes of a file after it was written.
        places: where a file lies, if not at the top.
        linked: symbolic links, name to target, made at the end.
    """

    images: dict[str, Dataset]
    spare: dict[str, Dataset]
    rewritten: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    places: dict[str, str | bytes] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Dataset:
        return self.images[name]

    def __iter__(self) -> Iterator[Dataset]:
        return iter(list(self.images.values()))

    def copy(self, name: str, new: str, **attributes: Any) -> Dataset:
        """Add a copy of an image with its own SOPInstanceUID."""
        image = copy.deepcopy(self.images[name])
        uid = UID(f"{image.SOPInstanceUID}.{len(self.images)}")
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
        self.images[new] = image
        put(image, **attributes)
        return image

    def study(self, suffix: str, **attributes: Any) -> None:
        """Add a copy of the two images as another study."""
        for name in ("le", "de"):
            image = self.copy(name, f"{name}_{suffix}")
            for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
                setattr(image, keyword, UID(f"1.2.99.{keyword == 'StudyInstanceUID':d}"))
            put(image, **attributes)

    def add(self, *names: str) -> None:
        """Add further images of the study: ``le_r`` and ``de_r`` of the right breast, ``le_m`` and ``de_m`` in MLO."""
        for name in names:
            self.images[name] = copy.deepcopy(self.spare[name])

    def write(self, folder: Path) -> None:
        """Write the images into a folder."""
        folder.mkdir(parents=True)
        for name, image in self.images.items():
            file = folder / os.fsdecode(self.places.get(name, name)).format(name=folder.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as stream:
                image.save_as(stream, enforce_file_format=True)
            if name in self.rewritten:
                file.write_bytes(self.rewritten[name](file.read_bytes()))
        for name, target in self.linked.items():
            (folder / name).symlink_to(target.format(name=folder.name))


Change = Callable[[Studies], None]


def bases(folder: Path) -> dict[str, dict[str, Dataset]]:
    """Make the phantoms that all variants start from, by maker and name."""
    images = generate(folder / "set", Settings(3, 0, SIZE, format="dicom")).parent / "images"
    views = {"": "L_CC", "_r": "R_CC", "_m": "L_MLO"}
    kinds = {"le": "low_energy", "de": "des"}
    return {
        maker: {
            f"{kind}{suffix}": pydicom.dcmread(images / patient / f"{patient}_{view}_{word}.dcm")
            for suffix, view in views.items()
            for kind, word in kinds.items()
        }
        for maker, patient in MAKERS.items()
    }


def studies_of(base: dict[str, Dataset]) -> Studies:
    """Return the studies that a variant changes."""
    return Studies({name: copy.deepcopy(base[name]) for name in ("le", "de")}, base)


def put(image: Dataset, **attributes: Any) -> None:
    """Set attributes; None deletes one. A pair of VR and value is written unchanged, whatever the dictionary says."""
    for keyword, value in attributes.items():
        tag = Tag(keyword)
        if value is None:
            image.pop(tag, None)
        elif isinstance(value, Raw):
            image.pop(tag, None)
            if value.vr in ("US", "OB"):
                image.add_new(tag, value.vr, value.value)
            else:  # as read from a file: pydicom would refuse to write it
                data = value.value if isinstance(value.value, bytes) else value.value.encode()
                data += b" " * (len(data) % 2)
                image[tag] = RawDataElement(tag, value.vr, len(data), data, 0, False, True)
        else:
            setattr(image, keyword, value)
            if keyword == "SOPClassUID":
                image.file_meta.MediaStorageSOPClassUID = value


@dataclass(frozen=True)
class Raw:
    """A value with the VR that it is written under."""

    vr: str
    value: Any


def sets(*names: str, **attributes: Any) -> Change:
    """Return a change that sets attributes of the images named, or of all."""

    def change(studies: Studies) -> None:
        for name in names or list(studies.images):
            put(studies[name], **attributes)

    return change


def both(*changes: Change) -> Change:
    """Return a change that makes several in order."""

    def change(studies: Studies) -> None:
        for one in changes:
            one(studies)

    return change


def copies(name: str, new: str, **attributes: Any) -> Change:
    """Return a change that adds a copy of an image under a new SOPInstanceUID."""
    return lambda studies: put(studies.copy(name, new), **attributes)


def code(value: str, scheme: str = "SCT", meaning: str = "a meaning", **more: Any) -> Dataset:
    """Return an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    put(item, **more)
    return item


def reference(image: Dataset) -> Dataset:
    """Return an item that refers to an image."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item


def refers(name: str, keyword: str, *targets: str) -> Change:
    """Return a change that lets an image refer to others."""
    return lambda studies: put(studies[name], **{keyword: [reference(studies[target]) for target in targets]})


def modified(*names: str, codes: tuple[str, ...]) -> Change:
    """Return a change that enters modifiers of the view."""

    def change(studies: Studies) -> None:
        for name in names:
            studies[name].ViewCodeSequence[0].ViewModifierCodeSequence = [code(value) for value in codes]

    return change
