"""The datalist: MONAI's JSON list of cases, checked at the door.

A datalist names its data set, its pixel size, the fixed intensity range of each modality, and for each split the items:
one view of one breast each. Paths are relative to the file; null stands for unknown.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vdes.data.image_header import ImageHeader, common_dtype, image_suffix, is_dicom, read_image_header
from vdes.data.staging import staged
from vdes.data.vocabulary import BIRADS, DENSITIES, LATERALITIES, MODALITIES, PATHOLOGIES, VIEWS
from vdes.errors import InputError
from vdes.identifiers import identifier

SECTIONS = ("training", "validation", "test")
PATH_FIELDS = ("low_energy", "des", "lesion_mask", "des_lesion_mask")
# each mask and the image that it was drawn on
MASKED_IMAGES = {"lesion_mask": "low_energy", "des_lesion_mask": "des"}

_LABELS: dict[str, tuple[Any, ...]] = {
    "laterality": LATERALITIES,
    "view": VIEWS,
    "pathology": PATHOLOGIES,
    "density": DENSITIES,
    "birads": BIRADS,
}
_ITEM_FIELDS = ("case", "patient", *_LABELS, *PATH_FIELDS)

Item = dict[str, Any]
PathLike = str | os.PathLike[str]


def read_datalist(path: PathLike, sections: Sequence[str] = SECTIONS) -> dict[str, Any]:
    """Read a datalist and check all of it.

    Args:
        path: the JSON file.
        sections: the splits to read; each must be there, empty or not.

    Returns:
        The datalist, with absolute paths (strings) in the items of ``sections``; ``malignant`` (1, 0, or None where the
        pathology is unknown) in each item; and ``pixel_size_mm`` in each item where it is known, the item's own or that
        of the datalist.

    Raises:
        InputError: the file is not a datalist, an item lacks a field or has an unknown label, a case or image is listed
            twice, a patient is in two splits, or a file does not exist; the message names file, section, item, field.
    """
    path = Path(path)
    datalist = read_json(path)
    _check(datalist, path, sections)
    folder = os.path.realpath(path.parent)
    files: dict[str, frozenset[str]] = {}
    seen: dict[str, str] = {}
    for section, index, item in _items(datalist, sections):
        where = _where(path, section, index, item)
        for field in PATH_FIELDS:
            if item[field] is None:
                continue
            file = os.path.normpath(os.path.join(folder, item[field]))  # noqa: PTH118 - pathlib is slow
            parent, name = os.path.split(file)
            if parent not in files:
                files[parent] = _file_names(parent)
            if name not in files[parent]:
                raise InputError(
                    f"{where}: {field}: no such file '{item[field]}'; expected it relative to the datalist, at {file}"
                )
            place = f"{section}[{index}] ({item['case']})"
            if field in MODALITIES and seen.setdefault(file, place) != place:
                raise InputError(f"{where}: {field}: '{item[field]}' is listed by {seen[file]} already; expected once")
            item[field] = file
        item["malignant"] = None if item["pathology"] is None else int(item["pathology"] == "malignant")
        if datalist["pixel_size_mm"] is not None:
            item.setdefault("pixel_size_mm", datalist["pixel_size_mm"])
    return datalist


def write_datalist(path: PathLike, datalist: dict[str, Any], overwrite: bool = False) -> None:
    """Check a datalist (all but the existence of its files) and write it in one step.

    Args:
        path: the JSON file to write; its folder must exist.
        datalist: the datalist; absolute paths in its items are written relative to the file, others as they are. It is
            not changed.
        overwrite: replace a file that exists.

    Raises:
        InputError: the datalist breaks a rule, or the file exists and ``overwrite`` is off. Nothing is written.
    """
    path = Path(path)
    text = datalist_text(path, datalist)
    with staged([path], overwrite) as stages:
        stages[path].write_text(text, encoding="utf-8")


def datalist_text(path: PathLike, datalist: dict[str, Any]) -> str:
    """Return the checked JSON text that `write_datalist` writes to ``path``."""
    path = Path(path)
    _check(datalist, path, SECTIONS)
    folder = os.path.realpath(path.parent)
    portable = dict(datalist)
    for section in SECTIONS:
        portable[section] = [
            {key: _relative(value, folder) if key in PATH_FIELDS else value for key, value in item.items()}
            for item in datalist[section]
        ]
    text = json.dumps(portable, indent=1, ensure_ascii=False) + "\n"
    # a file name in another encoding than UTF-8 has bytes that only an escape can stand for
    return re.sub("[\ud800-\udfff]", lambda byte: f"\\u{ord(byte[0]):04x}", text)


def section(path: PathLike, name: str, requires: Sequence[str] = ("low_energy", "des")) -> list[Item]:
    """Return the items of one split that have what a workflow needs, ready for MONAI's dictionary transforms.

    The whole datalist is checked, and so are the headers of these items' files: an unreadable or truncated image, or a
    mask of another size than its image, is found here and not in the middle of a training run.

    Args:
        path: the datalist.
        name: ``training``, ``validation`` or ``test``.
        requires: fields that an item must have; items where one of them is null are left out.

    Returns:
        The items, with absolute paths. Path fields that are null are left out, so that transforms with
        ``allow_missing_keys`` pass over them; other fields are there as in the file, None where unknown.

    Raises:
        InputError: see `read_datalist`; also when no item is left.
    """
    if name not in SECTIONS:
        raise InputError(f"{path}: no section '{name}'; expected one of {', '.join(SECTIONS)}")
    items: list[Item] = read_datalist(path)[name]
    if not items:
        raise InputError(f"{path}: {name}: is empty; expected at least one item")
    for field in requires:
        if all(item.get(field) is None for item in items):
            raise InputError(f"{path}: {name}: no item has '{field}'; expected items with {', '.join(requires)}")
    complete = [item for item in items if all(item.get(field) is not None for field in requires)]
    if not complete:
        raise InputError(f"{path}: {name}: no item has all of {', '.join(requires)}; expected at least one")
    headers = [_check_images(Path(path), name, item) for item in complete]
    for modality in MODALITIES:  # one intensity range for all of a modality
        shown = [
            (i[modality], found[modality]) for i, found in zip(complete, headers, strict=True) if modality in found
        ]
        if shown:
            common_dtype(shown)
    return [without_null_paths(item) for item in complete]


def without_null_paths(item: Item) -> Item:
    """Return the item without the path fields that are null."""
    return {key: value for key, value in item.items() if key not in PATH_FIELDS or value is not None}


def intensity_range(path: PathLike, modality: str) -> tuple[float, float]:
    """Return the fixed intensity range, in pixel values, that a datalist states for ``low_energy`` or ``des``.

    Raises:
        InputError: the file is not a datalist or does not state the range.
    """
    datalist = read_json(path)
    _check_head(datalist, Path(path))
    if modality not in MODALITIES:
        raise InputError(f"{path}: intensity_range: no modality '{modality}'; expected one of {', '.join(MODALITIES)}")
    low, high = datalist["intensity_range"][modality]
    return float(low), float(high)


def patient_sections(path: PathLike) -> dict[str, str]:
    """Return the section of each patient of a datalist, whose images need not be there.

    Raises:
        InputError: the file is not a datalist, or a patient is in two splits.
    """
    datalist = read_json(path)
    _check(datalist, Path(path), SECTIONS)
    return {item["patient"]: section for section, _, item in _items(datalist, SECTIONS)}


def pairs_aligned(path: PathLike) -> bool:
    """Tell whether a datalist states ``"aligned": true``: DES lies on low energy and needs no registration.

    Raises:
        InputError: the file is not a datalist.
    """
    datalist = read_json(path)
    _check_head(datalist, Path(path))
    return bool(datalist.get("aligned", False))


def read_json(path: PathLike) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        InputError: the file cannot be read or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a datalist") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8; expected a datalist") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: holds a JSON {type(content).__name__}; expected an object with {', '.join(SECTIONS)}"
        )
    return content


def _check(datalist: dict[str, Any], path: Path, sections: Sequence[str]) -> None:
    _check_head(datalist, path)
    for section in sections:
        if not isinstance(datalist.get(section), list):
            raise InputError(f"{path}: {section}: expected a list of items; write [] for a split without items")
    cases: dict[str, str] = {}
    splits: dict[str, str] = {}
    for section, index, item in _items(datalist, sections):
        where = _where(path, section, index, item)
        _check_item(item, where)
        place = f"{section}[{index}]"
        if cases.setdefault(item["case"], place) != place:
            raise InputError(f"{where}: case: '{item['case']}' is also {cases[item['case']]}; expected a unique id")
        # however the patient is spelled
        other = splits.setdefault(identifier(item["patient"]), section)
        if other != section:
            raise InputError(
                f"{where}: patient: '{item['patient']}' is also in {other}; "
                "expected each patient in one split only (vdes audit lists all that are shared)"
            )


def _check_head(datalist: dict[str, Any], path: Path) -> None:
    if not isinstance(datalist.get("name"), str) or not datalist["name"]:
        raise InputError(f"{path}: name: {datalist.get('name')!r}; expected the name of the data set")
    if "pixel_size_mm" not in datalist:
        raise InputError(f"{path}: pixel_size_mm: is missing; expected millimetres, or null where unknown")
    size = datalist["pixel_size_mm"]
    if size is not None and not (_is_number(size) and size > 0):
        raise InputError(f"{path}: pixel_size_mm: {size!r}; expected a number above 0, or null where unknown")
    if not isinstance(datalist.get("aligned", False), bool):
        raise InputError(f"{path}: aligned: {datalist['aligned']!r}; expected true or false")
    ranges = datalist.get("intensity_range")
    for modality in MODALITIES:
        limits = ranges.get(modality) if isinstance(ranges, dict) else None
        if not _is_range(limits):
            raise InputError(f"{path}: intensity_range: {modality}: {limits!r}; expected two increasing numbers")


def _check_item(item: Item, where: str) -> None:
    for field in _ITEM_FIELDS:
        if field not in item:
            raise InputError(f"{where}: {field}: is missing; write null where it is unknown")
    for field in ("case", "patient"):
        if not isinstance(item[field], str) or not item[field]:
            raise InputError(f"{where}: {field}: {item[field]!r}; expected a text that is not empty")
    for field, known in _LABELS.items():
        label = item[field]
        # the type too: True equals 1, and 4.0 equals 4
        if label is not None and (type(label) is not type(known[0]) or label not in known):
            words = ", ".join(map(str, known))
            raise InputError(f"{where}: {field}: {label!r}; expected one of {words}, or null where unknown")
    for field in PATH_FIELDS:
        if item[field] is not None and (not isinstance(item[field], str) or not item[field]):
            raise InputError(f"{where}: {field}: {item[field]!r}; expected a path, or null where there is no file")
    if item["low_energy"] is None and item["des"] is None:
        raise InputError(f"{where}: low_energy: is null, and so is des; expected at least one image")
    if item.get("malignant") is not None and item["malignant"] != (item["pathology"] == "malignant"):
        raise InputError(f"{where}: malignant: {item['malignant']!r} contradicts pathology {item['pathology']!r}")


def _check_images(path: Path, section: str, item: Item) -> dict[str, ImageHeader]:
    """Return the headers of the item's images and masks by field."""
    headers: dict[str, ImageHeader] = {}
    for field in PATH_FIELDS:
        if item[field] is not None and (image_suffix(item[field]) or is_dicom(item[field])):
            try:
                headers[field] = read_image_header(item[field])
            except InputError as error:
                raise InputError(f"{path}: {section} ({item['case']}): {field}: {error}") from error
    for mask, image in MASKED_IMAGES.items():
        if mask in headers and image in headers:
            drawn, shown = headers[mask], headers[image]
            if (drawn.width, drawn.height) != (shown.width, shown.height):
                raise InputError(
                    f"{path}: {section} ({item['case']}): {mask}: {item[mask]} has {drawn.width} x {drawn.height} "
                    f"pixels; expected {shown.width} x {shown.height} as in {item[image]}"
                )
    return headers


def _items(datalist: dict[str, Any], sections: Sequence[str]) -> Iterator[tuple[str, int, Item]]:
    for section in sections:
        for index, item in enumerate(datalist[section]):
            yield section, index, item


def _where(path: Path, section: str, index: int, item: Item) -> str:
    if not isinstance(item, dict):
        raise InputError(f"{path}: {section}[{index}]: {item!r}; expected an object with {', '.join(_ITEM_FIELDS)}")
    return f"{path}: {section}[{index}] ({item.get('case')})"


def _file_names(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except OSError:
        return frozenset()  # reported as the missing file that was looked for in it


def _relative(path: str | None, folder: str) -> str | None:
    if path is None or not Path(path).is_absolute():
        return path
    return Path(os.path.relpath(path, folder)).as_posix()


def _is_range(limits: object) -> bool:
    return (
        isinstance(limits, list | tuple)
        and len(limits) == 2
        and all(_is_number(limit) for limit in limits)
        and limits[0] < limits[1]
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
