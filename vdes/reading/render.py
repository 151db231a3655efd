"""Prepare low energy, real and virtual DES of a view for readers: on one grid, with the same support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from monai.transforms import AsDiscreted, Compose, MapTransform
from scipy import ndimage

from vdes.errors import InputError, find_input_error
from vdes.reading.frames import KINDS
from vdes.study.aligned_images import MAX_EDGE_OFFSET_PX
from vdes.transforms.breast_mask import BreastMaskd, chest_wall_is_left
from vdes.transforms.preprocessing import air_threshold, scale
from vdes.transforms.read_mammogram import ReadMammogramd
from vdes.transforms.register_des import RegisterDesd

LESION_GAP = 0.01  # of the rows: parts of a mask closer together than this are one lesion


@dataclass(frozen=True)
class Rendered:
    """One view of a case for readers.

    Attributes:
        images: by kind, float32 (rows, columns) in [0, 1] on the low-energy image's grid, as in its file.
        lesion_mask: bool, likewise.
        chest_wall: left or right, as in the file.
        pixel_size_mm: of the grid; None where unknown.
    """

    images: dict[str, np.ndarray]
    lesion_mask: np.ndarray
    chest_wall: str
    pixel_size_mm: float | None


class Renderer:
    """Bring low energy, real and virtual DES of one view onto the low-energy image's grid.

    Args:
        ranges: by kind, the intensities that become 0 and 1.
        aligned: whether real DES is aligned with low energy; otherwise it is registered.

    Raises:
        InputError: when called, if an image cannot be read, if images that should be aligned differ in size, or if
            registration leaves the breast edges further apart than training allows.

    """

    def __init__(self, ranges: Mapping[str, Sequence[float]], aligned: bool) -> None:
        masks = ("lesion_mask", "des_lesion_mask")
        on = [("lesion_mask", "low_energy"), ("des_lesion_mask", "real"), ("virtual", "low_energy")]
        if aligned:
            on.append(("real", "low_energy"))
        steps: list[MapTransform] = [
            ReadMammogramd((*KINDS, *masks), same_size=tuple(on)),
            AsDiscreted(masks, threshold=0.5),
            BreastMaskd("low_energy", "breast_mask", air_threshold(ranges["low_energy"])),
        ]
        if not aligned:
            steps += [
                BreastMaskd("real", "des_breast_mask", air_threshold(ranges["real"])),
                RegisterDesd(("real", "des_lesion_mask")),
            ]
        self.transform = Compose([*steps, *(scale(kind, ranges[kind]) for kind in KINDS)])

    def __call__(self, item: Mapping[str, Any]) -> Rendered:
        """Return the images of a study's item, which has ``virtual``."""
        try:
            read = self.transform({**item, "real": item["des"]})
        except Exception as error:
            found = find_input_error(error)
            if found is None:
                raise
            raise found from error  # MONAI wraps it
        if read.get("edge_offset_px", 0.0) > MAX_EDGE_OFFSET_PX:
            raise InputError(
                f"{item['des']}: real DES does not lie on the low-energy image: the breast edges are "
                f"{read['edge_offset_px']:.1f} pixels apart after registration; expected at most {MAX_EDGE_OFFSET_PX:g}"
            )
        inside = read["breast_mask"][0].numpy() > 0
        images = {kind: np.asarray(read[kind][0], dtype=np.float32) for kind in KINDS}
        # the rim of zeros around the breast differs between real and virtual DES and would give them away: what is
        # black and connected to the outside in one is outside in both
        outside = ~inside
        for kind in ("real", "virtual"):
            outside |= ndimage.binary_propagation(~inside, mask=~inside | (images[kind] <= 0))
        for kind in ("real", "virtual"):
            images[kind] = np.where(outside, np.float32(0), images[kind])
        drawn, on_des = (np.asarray(read[name][0]) > 0 for name in ("lesion_mask", "des_lesion_mask"))
        size = read.get("pixel_size_mm")
        return Rendered(
            images,
            drawn if drawn.any() else on_des,
            "left" if chest_wall_is_left(inside) else "right",
            None if size is None or not float(size) > 0 else float(size),
        )


def lesions_of(mask: np.ndarray) -> list[dict[str, Any]]:
    """Return the lesions in a mask ``(rows, columns)``, the largest first.

    Returns:
        For each lesion its ``box`` [x0, y0, x1, y1] (the first and last pixels) and its middle ``x``, ``y``, in pixels.
    """
    if not mask.any():
        return []
    gap = max(1, round(LESION_GAP * mask.shape[0] / 2))
    joined, _ = ndimage.label(ndimage.distance_transform_edt(~mask) <= gap)
    labels = np.where(mask, joined, 0)
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        if place is None:
            continue
        y, x = np.nonzero(labels[place] == number)
        top, left = place[0].start, place[1].start
        found.append(
            {
                "box": [int(left), int(top), int(place[1].stop - 1), int(place[0].stop - 1)],
                "x": round(float(x.mean() + left), 1),
                "y": round(float(y.mean() + top), 1),
                "pixels": int(y.size),
            }
        )
    return sorted(found, key=lambda one: -one["pixels"])
