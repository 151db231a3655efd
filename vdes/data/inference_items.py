"""The input of an inference workflow: one image, a folder of images, or a datalist."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vdes.data.cdd_cesm.names import FOLDERS
from vdes.data.datalist import PATH_FIELDS, Datalist, PathLike, without_null_paths
from vdes.data.ids import check_id
from vdes.data.image_header import (
    DICOM_SUFFIX,
    IMAGE_SUFFIXES,
    brightest,
    common_dtype,
    image_stem,
    image_suffix,
    is_dicom,
    read_image_header,
)
from vdes.data.vocabulary import MODALITIES
from vdes.dicom.image_facts import des_facts, low_energy_facts
from vdes.dicom.virtual_des_object import check_source
from vdes.errors import InputError

logger = logging.getLogger(__name__)

LOOKED_AT = 3  # images, of whose brightest values a range of too many bits shows
Item = dict[str, Any]
Source = Datalist | Path  # what images come from


def image_source(path: PathLike | Datalist) -> Source:
    """Read a datalist, to pass it on; other paths are returned unchanged.

    Raises:
        InputError: as `vdes.data.datalist.Datalist.read`.
    """
    if isinstance(path, Datalist):
        return path
    path = Path(path)
    return Datalist.read(path) if path.suffix.lower() == ".json" and path.is_file() else path


def inference_items(path: PathLike | Datalist, inputs: Sequence[str] = ("low_energy",)) -> list[Item]:
    """List the images to work on.

    Args:
        path: one image file; a folder of images, without its sub-folders (in the layout of CDD-CESM, the sub-folder of
            the modality is read); or a datalist or its file, with the items of all splits.
        inputs: modalities; an item of a datalist needs at least one of them. For an image or a folder, which do not
            state it, the last is the modality.

    Returns:
        Items with ``case`` (the file's stem, or the case id of a datalist) and the absolute path of their image under
        its modality; from a datalist also its other fields, except path fields that are null. Sorted by file name;
        a datalist keeps its order.

    Raises:
        InputError: the path does not exist or has no image, an image is unreadable or truncated, two images of a folder
            have the same stem (their outputs would get the same name), their bit depths differ, or a DICOM header
            states that an image is raw or of another modality.
    """
    source = image_source(path)
    if isinstance(source, Datalist):
        listed = source.items()
        items = [without_null_paths(item) for item in listed if any(item[name] is not None for name in inputs)]
        if not items:
            raise InputError(f"{source}: no item has {' or '.join(map(repr, inputs))}; expected at least one image")
    elif source.is_dir():
        items = _from_folder(source, inputs[-1])
    elif not source.exists():
        raise InputError(f"{source}: no such file or folder; expected an image, a folder of images or a datalist")
    elif image_suffix(source) is not None or is_dicom(source):
        items = [_item(source, inputs[-1])]
    else:
        suffixes = ", ".join(IMAGE_SUFFIXES)
        raise InputError(f"{source}: not a file that vdes reads; expected an image ({suffixes}) or a datalist (.json)")
    if not isinstance(source, Datalist):  # whose cases are different, and name its outputs
        _check_stems(source, items, inputs[-1])
    for name in inputs:
        shown = [item[name] for item in items if name in item]
        if shown:
            common_dtype((file, read_image_header(file)) for file in shown)
    for name in inputs:
        for item in (item for item in items if name in item and is_dicom(item[name])):
            # a study's control deliberately has low energy as both images
            real_des = name == "des" and item["des"] != item.get("low_energy")
            (des_facts if real_des else low_energy_facts)(Path(item[name]))
    return items


def named_by_case(items: Sequence[Item]) -> bool:
    """Tell whether the outputs are named after their cases: low-energy files have the same name in several folders."""
    stems = [output_stem(item) for item in items]
    return len(set(stems)) < len(stems)


def output_stem(item: Item, deidentified: bool = False, by_case: bool = False) -> str:
    """Return the name, without extension, of the output for an item.

    It is the stem of the low-energy file. For DICOM it is the case, because archives name files after numbers or
    patients. A de-identified output is named by the UID that replaces its low-energy image's, because patients may name
    files and cases too.

    Args:
        item: with ``case`` and ``low_energy``.
        deidentified: whether the output is de-identified.
        by_case: `named_by_case` of all items, which is True if they would get equal names.

    Raises:
        InputError: ``deidentified`` is on and the low-energy image is not DICOM.
    """
    low_energy = item["low_energy"]
    if deidentified:
        if not is_dicom(low_energy):
            raise InputError(f"{low_energy}: not DICOM; only virtual DES of DICOM images can be de-identified")
        from vdes.dicom.deidentify import mapped_uid  # here: other formats do without its extra
        from vdes.dicom.image_facts import read_image_facts

        return str(mapped_uid(read_image_facts(Path(low_energy)).instance))
    return str(item["case"]) if by_case or is_dicom(low_energy) else image_stem(low_energy)


def input_intensity_range(
    path: PathLike | Datalist, items: Sequence[Item], given: Sequence[float] | None = None, modality: str = "low_energy"
) -> tuple[float, float]:
    """Return the fixed range by which the pixel values of a modality are scaled.

    Args:
        path: the path passed to `inference_items`.
        items: the items that it returned.
        given: the range to use for images without a datalist, such as (0, 4095) for 12-bit values in 16-bit files.
        modality: ``low_energy`` or ``des``.

    Returns:
        The datalist's range if there is one, otherwise ``given``, otherwise the range of the files' bit depth: 0 to 255
        or 0 to 65535, for any modality.

    Raises:
        InputError: the range is not two increasing numbers, or none is given and the files have neither 8 nor 16 bits.
    """
    source = image_source(path)
    if isinstance(source, Datalist):
        return source.intensity_range(modality)
    if given is not None:
        limits = [float(limit) for limit in given]
        if len(limits) != 2 or not limits[0] < limits[1]:
            raise InputError(f"intensity range: {list(given)}; expected two increasing numbers, such as [0, 4095]")
        return limits[0], limits[1]
    file = next(items[0][name] for name in MODALITIES if name in items[0])  # without a datalist all have the same
    header = read_image_header(file)
    if header.integer_range is None:
        raise InputError(
            f"{file}: pixel type {header.dtype} has no natural intensity range; "
            "pass the range of the pixel values as two numbers, such as [0, 4095], or a datalist that states it"
        )
    _warn_of_dark_images([item[modality] for item in items if modality in item], header.integer_range)
    return header.integer_range


def _warn_of_dark_images(files: Sequence[str], limits: tuple[float, float]) -> None:
    """Say so if 16-bit images have values of fewer bits, of which a network would see nothing but black."""
    values = [value for file in files[:LOOKED_AT] if (value := brightest(file)) is not None]
    if values and limits[1] > 255 and max(values) <= limits[1] / 4:
        bits = max(8, int(max(values)).bit_length())
        logger.warning(
            "intensity_range: the brightest value of the first %d images is %g of %g; if they have %d bits, pass "
            '--intensity_range "[0, %d]"',
            *(len(values), max(values), limits[1], bits, 2**bits - 1),
        )


def check_outputs(
    output_dir: PathLike, items: Sequence[Item], extension: str, overwrite: bool, deidentified: bool = False
) -> None:
    """Check before the work starts that no output file exists yet, and that none would replace an input.

    Args:
        output_dir: folder of the outputs; it need not exist.
        items: the items from `inference_items`; `output_stem` names their outputs.
        extension: extension of the outputs, such as ``.png`` or ``.nii.gz``.
        overwrite: accept existing outputs.
        deidentified: whether the outputs are to be de-identified.

    Raises:
        InputError: ``overwrite`` is False and an output exists, an output is an input (also by a link, or by a name
            that the file system takes for the same), the folder is a file, or outputs in DICOM or de-identified ones
            are requested and a low-energy image is not DICOM or lacks required attributes.
    """
    folder = Path(output_dir)
    if extension == DICOM_SUFFIX:
        for item in items:
            _check_dicom(item["low_energy"], deidentified)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; expected a folder for the outputs")
    by_case = named_by_case(items)
    outputs = [folder / (output_stem(item, deidentified, by_case) + extension) for item in items]
    existing = [output for output in outputs if output.exists()]
    inputs = {_file(item[key]) for item in items for key in PATH_FIELDS if item.get(key)}
    for output in existing:
        if _file(output) in inputs:
            raise InputError(
                f"{output}: is an input of this run, which no output may replace; choose another output folder"
            )
    if existing and not overwrite:
        raise InputError(
            f"{existing[0]}: exists already ({len(existing)} of {len(items)} outputs do); "
            "choose another output folder, or pass --overwrite true to replace them"
        )


def _file(path: PathLike) -> tuple[int, int] | None:
    """Return what tells a file from all others, however it is called, or None if there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_dicom(low_energy: str, deidentified: bool) -> None:
    if not is_dicom(low_energy):
        raise InputError(f"{low_energy}: not DICOM; outputs in {DICOM_SUFFIX} need low-energy images in DICOM")
    check_source(low_energy, deidentified)


def _from_folder(folder: Path, modality: str) -> list[Item]:
    official = folder / FOLDERS[modality]
    source = official if official.is_dir() else folder
    files = [
        file
        for file in sorted(source.iterdir())
        if not file.name.startswith(".") and (image_suffix(file) or is_dicom(file))
    ]
    if not files:
        raise InputError(f"{source}: no image in this folder; expected files ending in {', '.join(IMAGE_SUFFIXES)}")
    return [_item(file, modality) for file in files]


def _item(file: Path, modality: str) -> Item:
    case = unicodedata.normalize("NFC", image_stem(file))  # some file systems decompose names
    check_id(case, f"{str(file)!a}: the file's name")
    return {"case": case, modality: str(file.absolute())}


def _check_stems(path: Path, items: Sequence[Item], modality: str) -> None:
    """Check that the files of a folder have different stems, which name their cases and outputs."""
    seen: dict[str, str] = {}
    for item in items:
        stem, file = item["case"], item[modality]
        if stem in seen:
            raise InputError(
                f"{path}: {seen[stem]} and {file} have the same stem '{stem}', so their outputs would get one name; "
                "expected each stem once"
            )
        seen[stem] = file
