"""Low-energy images with the virtual DES images that a generator makes of them, for a classifier to judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vdes.bundle.bundle import Bundle
from vdes.data.datalist import Datalist
from vdes.data.inference_items import image_source, inference_items, output_stem
from vdes.data.levels import with_levels
from vdes.data.virtual_datalist import SUFFIX

FOLDER = "virtual_des"


def virtual_items(
    generator: Bundle,
    dataset_dir: str | Path | Datalist,
    output_dir: str | Path,
    output_ext: str = SUFFIX,
    overwrite: bool = False,
    intensity_range: Sequence[float] | None = None,
) -> list[dict[str, Any]]:
    """Make the virtual DES images of low-energy images, and return items that have both.

    Args:
        generator: the bundle that makes them.
        dataset_dir: a low-energy image, a folder of them or a datalist, or its file.
        output_dir: the images go to its folder ``virtual_des``, as 16-bit PNG, which the classifier reads.
        output_ext: .png, or in which format they are written too, .nii.gz or .dcm, into the same folder.
        overwrite: replace images that exist.
        intensity_range: of images without a datalist, see `vdes.data.inference_items.input_intensity_range`.

    Raises:
        InputError: as the generator's inference.

    """
    folder = Path(output_dir) / FOLDER
    source = image_source(dataset_dir)
    path = source.path if isinstance(source, Datalist) else source
    knobs = {"overwrite": overwrite} | ({} if intensity_range is None else {"intensity_range": list(intensity_range)})
    for extension in dict.fromkeys((SUFFIX, output_ext)):
        generator.infer(path, folder, output_ext=extension, **knobs)
    items = [with_levels(item) for item in inference_items(source)]
    return [{**item, "des": str((folder / f"{output_stem(item)}{SUFFIX}").absolute())} for item in items]
