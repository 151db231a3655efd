"""A datalist with virtual DES images in place of the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vdes.data.datalist import SECTIONS, Datalist, PathLike
from vdes.data.inference_items import named_by_case, output_stem
from vdes.data.training_record import MADE_BY, UNKNOWN, origin
from vdes.errors import InputError

SUFFIX = ".png"
ROLE = "generator"
RANGE = [0, 65535]  # of the 16-bit PNG files that the generators' inference writes


def write_virtual_datalist(
    source: PathLike | Datalist, images: Path, output: Path, overwrite: bool = False, weights: PathLike | None = None
) -> Datalist:
    """Write a datalist whose DES images were made by a generator from its low-energy images.

    Cases, patients, labels and splits are those of ``source``, so a classifier can be trained or evaluated on
    virtual DES images as on real ones. A virtual image is aligned with its low-energy image and has its masks.

    Args:
        source: a datalist; its items without a low-energy image are left out.
        images: folder of the 16-bit PNG files, named after the stems of the low-energy images, or after the cases if
            stems are equal.
        output: the datalist to write.
        overwrite: replace an existing file.
        weights: the weights that made the images. They are listed in ``made_by``, with their ancestors, and become
            ancestors of what is trained on the images; without them such an ancestor is unknown.

    Returns:
        The datalist that was written.

    Raises:
        InputError: ``source`` is not a datalist, an image is missing, or ``output`` exists and ``overwrite`` is False.

    """
    datalist = Datalist.of(source).content()
    virtual = {
        **datalist,
        "name": f"{datalist['name']}, virtual DES",
        "aligned": True,
        "intensity_range": {**datalist["intensity_range"], "des": RANGE},
        MADE_BY: [{"role": ROLE, UNKNOWN: "not named when its images were listed"}]
        if weights is None
        else origin(ROLE, weights),
    }
    kept = {section: [item for item in datalist[section] if item["low_energy"] is not None] for section in SECTIONS}
    by_case = named_by_case([item for items in kept.values() for item in items])
    for section, items in kept.items():
        virtual[section] = [
            {**item, "des": str(_image(images, item, by_case)), "des_lesion_mask": item["lesion_mask"]}
            for item in items
        ]
    return Datalist.write(output, virtual, overwrite)


def _image(folder: Path, item: dict[str, Any], by_case: bool) -> Path:
    file = (folder / f"{output_stem(item, by_case=by_case)}{SUFFIX}").absolute()
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected the virtual DES image of case {item['case']}")
    return file
