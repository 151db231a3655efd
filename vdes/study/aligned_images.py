"""All images of a case on the same grid: low energy, real DES, and the virtual DES of every generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.data import Dataset

from vdes.data.datalist import PATH_FIELDS, Datalist, PathLike
from vdes.errors import InputError
from vdes.transforms.paired_preprocessing import PLACE, paired_preprocessing

VIRTUAL = "virtual_des-"  # prefix of a generator's name in fields, methods and file names
MAX_EDGE_OFFSET_PX = 5.0  # pairs further apart than this after registration count as not registered, as in training


class AlignedImages(Dataset):
    """The pairs of a datalist's section with the virtual DES images of their low-energy images, one case at a time.

    Each case is read and registered when it is requested, so memory does not grow with their number. ``images[i]`` and
    iteration give a dictionary with

    - the item's fields except its files: ``case``, ``patient``, ``view``, ``pathology``, ...;
    - ``low_energy``; ``des``, registered onto it unless the datalist is ``aligned``; and ``virtual_des-<g>`` of each
      generator g, 0 outside the breast: (1, height, width), float32 in [0, 1] by the range of their datalist;
    - ``breast_mask``, ``lesion_mask`` (drawn on low energy) and ``des_lesion_mask`` (drawn on DES, registered with it):
      the same size, uint8, 0 and 1;
    - ``registered``: False if the breast edges are more than `MAX_EDGE_OFFSET_PX` pixels of the file apart;
    - ``mirrored``: whether the file's chest wall is at the right; in these images it is always at the left;
    - ``content``: (rows, columns) at the top left that the cropped breast fills; the rest is 0;
    - ``pixel_size_mm``: pixel size of this grid; None if unknown.

    Args:
        datalist: the datalist of the pairs, or its file; items without both images are ignored.
        name: training, validation or test.
        height: rows of the grid; the columns are three quarters of it.
        virtual: by generator, a datalist (or its file) from `vdes.data.virtual_datalist.write_virtual_datalist`.

    Raises:
        InputError: a datalist is not valid, the section has no pair, or a virtual datalist lacks one of its cases. When
            a case is requested: an image cannot be read, or a virtual image and its low-energy image differ in size.
    """

    def __init__(
        self,
        datalist: PathLike | Datalist,
        name: str,
        height: int,
        virtual: Mapping[str, PathLike | Datalist] | None = None,
    ) -> None:
        pairs = Datalist.of(datalist)
        listed = {generator: Datalist.of(one) for generator, one in (virtual or {}).items()}
        self.generators = tuple(listed)
        made = {generator: _virtual_files(one) for generator, one in listed.items()}
        self.items = []
        for item in pairs.section(name):
            for generator, path in listed.items():
                if item["case"] not in made[generator]:
                    raise InputError(f"{path}: no virtual DES of case {item['case']}; expected all of {pairs}, {name}")
            files = {VIRTUAL + generator: made[generator][item["case"]] for generator in listed}
            self.items.append({**item, **files})
        self.height, self.width = height, height * 3 // 4
        self.preprocessing = paired_preprocessing(
            self.height,
            self.width,
            pairs.intensity_range("low_energy"),
            pairs.intensity_range("des"),
            register=not pairs.aligned,
            keep=PLACE,
            on_low_energy={VIRTUAL + generator: one.intensity_range("des") for generator, one in listed.items()},
        )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.items[index]
        read = self.preprocessing(item)
        box = zip(read["foreground_start_coord"], read["foreground_end_coord"], strict=True)
        rows, columns = (int(end) - int(start) for start, end in box)
        scale = min(self.height / rows, self.width / columns)
        pixel_size = read.get("pixel_size_mm")
        virtual = tuple(VIRTUAL + generator for generator in self.generators)
        files = (*PATH_FIELDS, *virtual)
        case = {key: value for key, value in item.items() if key not in files}
        case |= {key: read[key] for key in ("breast_mask", "lesion_mask", "des_lesion_mask", "mirrored")}
        return case | {
            "low_energy": read["image"],
            "des": read["label"],
            **{key: torch.where(read["breast_mask"] > 0, read[key], 0.0) for key in virtual},
            "registered": bool(read.get("edge_offset_px", 0.0) <= MAX_EDGE_OFFSET_PX),
            "content": (round(rows * scale), round(columns * scale)),
            "pixel_size_mm": None if pixel_size is None else float(pixel_size) / scale,
        }


def _virtual_files(datalist: Datalist) -> dict[str, str]:
    return {item["case"]: item["des"] for item in datalist.items() if item["des"] is not None}
