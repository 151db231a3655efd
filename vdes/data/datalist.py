"""The datalist: MONAI's JSON list of cases, checked when it is read.

A datalist states its data set, its pixel size, the fixed intensity range of each modality, and the items of each split:
one view of one breast each. Paths are relative to the file; null means unknown.

A command reads its datalist once and passes the `Datalist` on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from vdes.data.datalist_schema import check_ranges, check_schema, place
from vdes.data.ids import check_id, same_id
from vdes.data.image_header import ImageHeader, common_dtype, image_suffix, is_dicom, read_image_header
from vdes.data.json_file import parsed_json, read_bytes
from vdes.data.staging import staged
from vdes.data.vocabulary import MODALITIES
from vdes.data.vocabulary import SECTIONS as SECTIONS
from vdes.errors import InputError

PATH_FIELDS = ("low_energy", "des", "lesion_mask", "des_lesion_mask")
# each mask and the image that it was drawn on
MASKED_IMAGES = {"lesion_mask": "low_energy", "des_lesion_mask": "des"}

Item = dict[str, Any]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True, eq=False, repr=False)
class Datalist:
    """A checked datalist; use `Datalist.read` or `Datalist.of`.

    ``str(datalist)`` is its path, for messages.

    Attributes:
        path: the file, as it was given.
        data: the file's bytes.
        fields: the content of the file by field, including the sections, with the paths of the file; do not change it.
    """

    path: Path
    data: bytes
    fields: Mapping[str, Any]
    _items: Mapping[str, list[Item]]  # by section, with absolute paths
    _files: dict[str, frozenset[str]] = field(default_factory=dict)  # names of the files, by folder
    _found: set[str] = field(default_factory=set)  # the sections whose files were checked
    _headers: dict[str, dict[str, ImageHeader]] = field(default_factory=dict)  # by case

    @classmethod
    def read(cls, path: PathLike) -> Datalist:
        """Read a datalist and check everything except its files, which are checked when their section is requested.

        Raises:
            InputError: the file is not a datalist, an item lacks a field or has an unknown label, a case or an image is
                listed twice, or a patient is in two splits; the message names file, section, item and field.
        """
        return cls._parsed(Path(path), read_bytes(path))

    @classmethod
    def of(cls, source: PathLike | Datalist) -> Datalist:
        """Return a datalist unchanged, or read the one at a path.

        Raises:
            InputError: as `read`.
        """
        return source if isinstance(source, Datalist) else cls.read(source)

    @classmethod
    def made(cls, path: PathLike, content: Mapping[str, Any]) -> Datalist:
        """Return the datalist that would be read from ``path``, without writing it; its bytes are ``data``.

        Args:
            path: the JSON file; it need not exist.
            content: the datalist, which is not changed; absolute paths in its items become relative to the file.

        Raises:
            InputError: reading would refuse it.
        """
        path = Path(path)
        folder = os.path.realpath(path.parent)
        portable = {key: _portable(value, folder) if key in SECTIONS else value for key, value in content.items()}
        text = json.dumps(portable, indent=1, ensure_ascii=False) + "\n"
        # a file name in another encoding than UTF-8 has bytes that only an escape can stand for
        text = re.sub("[\ud800-\udfff]", lambda byte: f"\\u{ord(byte[0]):04x}", text)
        return cls._parsed(path, text.encode("utf-8"))

    @classmethod
    def write(cls, path: PathLike, content: Mapping[str, Any], overwrite: bool = False) -> Datalist:
        """Check a datalist as reading does, write it in one step and return it; its files need not exist yet.

        Args:
            path: the JSON file to write; its folder must exist.
            content: as in `made`.
            overwrite: replace an existing file.

        Raises:
            InputError: the datalist breaks a rule, or the file exists and ``overwrite`` is False. Nothing is written.
        """
        datalist = cls.made(path, content)
        with staged([datalist.path], overwrite) as stages:
            stages[datalist.path].write_bytes(datalist.data)
        return datalist

    @classmethod
    def _parsed(cls, path: Path, data: bytes) -> Datalist:
        where = str(path)
        content = parsed_json(path, data)
        check_schema(content, where)
        check_ranges(content, where)
        _check_ids(content, where)
        return cls(path, data, content, _resolved(content, path))

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Datalist({str(self.path)!r})"

    @property
    def name(self) -> str:
        """Name of the data set."""
        return str(self.fields["name"])

    @property
    def split(self) -> Any:
        """The file's description of how the patients were split, or None."""
        return self.fields.get("split")

    @property
    def aligned(self) -> bool:
        """Whether DES is aligned with low energy and needs no registration; False unless the file says so."""
        return bool(self.fields.get("aligned", False))

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def patients(self) -> dict[str, str]:
        """The section of each patient."""
        return {item["patient"]: section for section in SECTIONS for item in self._items[section]}

    def intensity_range(self, modality: str) -> tuple[float, float]:
        """Return the fixed intensity range, in pixel values, of ``low_energy`` or ``des``.

        Raises:
            InputError: there is no such modality.
        """
        if modality not in MODALITIES:
            raise InputError(
                f"{self}: intensity_range: no modality '{modality}'; expected one of {', '.join(MODALITIES)}"
            )
        low, high = self.fields["intensity_range"][modality]
        return float(low), float(high)

    def items(self, *sections: str) -> list[Item]:
        """Return the items of the named splits, by default all three, one after the other.

        Returns:
            New dictionaries with absolute paths (strings), None if there is no file; ``malignant`` (1, 0, or None
            if the pathology is unknown); and ``pixel_size_mm`` if it is known, the item's own or the datalist's.

        Raises:
            InputError: a file of these sections does not exist.
        """
        for section in sections or SECTIONS:
            self._check_files(section)
        return [dict(item) for section in sections or SECTIONS for item in self._items[section]]

    def content(self) -> dict[str, Any]:
        """Return the datalist as a dictionary to change and `write`: its fields, with the sections as in `items`.

        Raises:
            InputError: as `items`.
        """
        return {name: self.items(name) if name in SECTIONS else value for name, value in self.fields.items()}

    def section(self, name: str, requires: Sequence[str] = MODALITIES) -> list[Item]:
        """Return the items of one split with the required fields, ready for MONAI's dictionary transforms.

        All files of the datalist must exist, and the headers of these items' files are read: an unreadable or
        truncated image, or a mask whose size differs from its image's, is found here and not in the middle of a
        training run.

        Args:
            name: ``training``, ``validation`` or ``test``.
            requires: fields that an item must have; items where one of them is null are left out.

        Returns:
            The items as in `items`, without path fields that are null, so that transforms with ``allow_missing_keys``
            skip them; other fields are as in the file, None if unknown.

        Raises:
            InputError: as `items`, no item is left, or a header is faulty.
        """
        if name not in SECTIONS:
            raise InputError(f"{self}: no section '{name}'; expected one of {', '.join(SECTIONS)}")
        self.items()
        items = self.items(name)
        if not items:
            raise InputError(f"{self}: {name}: is empty; expected at least one item")
        for one in requires:
            if all(item.get(one) is None for item in items):
                raise InputError(f"{self}: {name}: no item has '{one}'; expected items with {', '.join(requires)}")
        complete = [item for item in items if all(item.get(one) is not None for one in requires)]
        if not complete:
            raise InputError(f"{self}: {name}: no item has all of {', '.join(requires)}; expected at least one")
        headers = [self._checked_headers(name, item) for item in complete]
        for modality in MODALITIES:  # all images of a modality share one intensity range
            shown = [
                (i[modality], found[modality]) for i, found in zip(complete, headers, strict=True) if modality in found
            ]
            if shown:
                common_dtype(shown)
        return [without_null_paths(item) for item in complete]

    def _check_files(self, section: str) -> None:
        """Check once that the files of a section exist."""
        if section in self._found:
            return
        for index, item in enumerate(self._items[section]):
            for name in PATH_FIELDS:
                file = item[name]
                if file is None:
                    continue
                folder, _, last = file.rpartition(os.sep)
                names = self._files.get(folder)
                if names is None:
                    names = self._files[folder] = _file_names(folder or os.sep)
                if last not in names:
                    listed = self.fields[section][index][name]
                    raise InputError(
                        f"{place(str(self), section, index, item)}: {name}: no such file '{listed}'; expected it "
                        f"relative to the datalist, at {file}"
                    )
        self._found.add(section)

    def _checked_headers(self, section: str, item: Item) -> dict[str, ImageHeader]:
        """Return the headers of the item's images and masks by field."""
        if item["case"] not in self._headers:
            self._headers[item["case"]] = _read_headers(f"{self}: {section} ({item['case']})", item)
        return self._headers[item["case"]]


def without_null_paths(item: Item) -> Item:
    """Return the item without the path fields that are null."""
    return {key: value for key, value in item.items() if key not in PATH_FIELDS or value is not None}


def _check_ids(content: dict[str, Any], where: str) -> None:
    """Check the rules across items: unique cases, and no patient in two splits under any spelling."""
    cases: dict[str, tuple[str, str]] = {}
    splits: dict[str, tuple[str, str]] = {}
    for section in SECTIONS:
        for index, item in enumerate(content[section]):
            case, patient = item["case"], item["patient"]
            at = f"{section}[{index}]"
            if not (case.isascii() and patient.isascii()):  # the schema checks the rest of the rule
                for name in ("case", "patient"):
                    check_id(item[name], f"{place(where, section, index, item)}: {name}")
            known, there = cases.setdefault(same_id(case), (case, at))
            if there != at:
                also = there if known == case else f"{there}, as '{known}'"
                raise InputError(
                    f"{place(where, section, index, item)}: case: '{case}' is also {also}; expected a unique id"
                )
            known, there = splits.setdefault(same_id(patient), (patient, section))
            if there != section:
                also = there if known == patient else f"{there}, as '{known}'"
                raise InputError(
                    f"{place(where, section, index, item)}: patient: '{patient}' is also in {also}; "
                    "expected each patient in one split only (vdes audit lists all shared patients)"
                )


def _resolved(content: dict[str, Any], path: Path) -> dict[str, list[Item]]:
    """Return the items by section, with absolute paths and derived fields."""
    folder = os.path.realpath(path.parent)
    size = content["pixel_size_mm"]
    seen: dict[str, tuple[str, int]] = {}
    resolved: dict[str, list[Item]] = {section: [] for section in SECTIONS}
    for section in SECTIONS:
        for index, listed in enumerate(content[section]):
            item = dict(listed)
            for name in PATH_FIELDS:
                if item[name] is None:
                    continue
                file = item[name] = _absolute(folder, item[name])
                if name in MODALITIES and seen.setdefault(file, (section, index)) != (section, index):
                    there, number = seen[file]
                    raise InputError(
                        f"{place(str(path), section, index, item)}: {name}: '{listed[name]}' is listed by "
                        f"{there}[{number}] ({content[there][number]['case']}) already; expected once"
                    )
            if isinstance(item["birads"], float):
                item["birads"] = int(item["birads"])  # 4.0 is JSON's 4
            item["malignant"] = None if item["pathology"] is None else int(item["pathology"] == "malignant")
            if size is not None:
                item.setdefault("pixel_size_mm", size)
            resolved[section].append(item)
    return resolved


def _absolute(folder: str, file: str) -> str:
    # most paths are plain ones, and normpath is slow
    if os.sep == "/" and file[0] not in "/." and "/." not in file and "//" not in file and file[-1] != "/":
        return f"{folder}/{file}"
    return os.path.normpath(os.path.join(folder, file))  # noqa: PTH118


def _read_headers(where: str, item: Item) -> dict[str, ImageHeader]:
    headers: dict[str, ImageHeader] = {}
    for name in PATH_FIELDS:
        if item[name] is not None and (image_suffix(item[name]) or is_dicom(item[name])):
            try:
                headers[name] = read_image_header(item[name])
            except InputError as error:
                raise InputError(f"{where}: {name}: {error}") from error
    for mask, image in MASKED_IMAGES.items():
        if mask in headers and image in headers:
            drawn, shown = headers[mask], headers[image]
            if (drawn.width, drawn.height) != (shown.width, shown.height):
                raise InputError(
                    f"{where}: {mask}: {item[mask]} has {drawn.width} x {drawn.height} "
                    f"pixels; expected {shown.width} x {shown.height} as in {item[image]}"
                )
    return headers


def _file_names(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except (OSError, ValueError):
        return frozenset()  # reported as the missing file that was looked for in it


def _portable(items: Any, folder: str) -> Any:
    """Return the items of a section with relative paths; anything but a list of items is refused later."""
    if not isinstance(items, list | tuple):
        return items
    return [
        {key: _relative(value, folder) if key in PATH_FIELDS else value for key, value in item.items()}
        if isinstance(item, Mapping)
        else item
        for item in items
    ]


def _relative(path: Any, folder: str) -> Any:
    if not isinstance(path, str) or not Path(path).is_absolute():
        return path
    return Path(os.path.relpath(path, folder)).as_posix()
