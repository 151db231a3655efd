"""Low-energy images with a generator's virtual DES images, as input of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vdes.bundle.bundle import Bundle
from vdes.data.datalist import Datalist
from vdes.data.inference_items import image_source, inference_items, named_by_case, output_stem
from vdes.data.levels import with_levels
from vdes.data.virtual_datalist import SUFFIX
from vdes.errors import CaseError

FOLDER = "virtual_des"
PREDICTIONS = "predictions.csv"


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
        output_dir: the images are written to its folder ``virtual_des``, as 16-bit PNG for the classifier.
        output_ext: .png, or a format to write them in as well, .nii.gz or .dcm, into the same folder.
        overwrite: replace existing images.
        intensity_range: range of images without a datalist, see `vdes.data.inference_items.input_intensity_range`.

    Raises:
        CaseError: no virtual DES image can be made of some cases. Predictions of an earlier run are removed.
        InputError: as the generator's inference.

    """
    folder = Path(output_dir) / FOLDER
    source = image_source(dataset_dir)
    path = source.path if isinstance(source, Datalist) else source
    knobs = {"overwrite": overwrite} | ({} if intensity_range is None else {"intensity_range": list(intensity_range)})
    for extension in dict.fromkeys((SUFFIX, output_ext)):
        try:
            generator.infer(path, folder, output_ext=extension, **knobs)
        except CaseError as error:
            table = Path(output_dir) / PREDICTIONS
            if not table.exists():
                raise
            table.unlink()  # predictions of images that were replaced would pass for those of the new ones
            raise CaseError(f"{error}; {table} of an earlier run removed") from error
    items = [with_levels(item) for item in inference_items(source)]
    by_case = named_by_case(items)
    return [
        {**item, "des": str((folder / f"{output_stem(item, by_case=by_case)}{SUFFIX}").absolute())} for item in items
    ]
