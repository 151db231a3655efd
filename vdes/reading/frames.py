"""The images as readers see them: real and virtual DES encoded alike, so that nothing but the picture differs.

Real and virtual DES come from different programs: one may be an 8-bit JPEG of another size than the low-energy image,
the other a 16-bit PNG that is 0 outside the breast. Here both get the same geometry (the low-energy image's), the same
support (0 outside the breast, and outside what real DES covers), the same quantisation (that of the coarser of the two)
with the same dither, and the same file: rows x columns little-endian uint16, without a header or compression.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.transforms import AsDiscreted, Compose, MapTransform
from scipy import ndimage

from vdes.errors import InputError
from vdes.study.aligned_images import MAX_EDGE_OFFSET_PX
from vdes.transforms.breast_mask import BreastMaskd, chest_wall_is_left
from vdes.transforms.preprocessing import air_threshold, scale
from vdes.transforms.read_mammogram import ReadMammogramd
from vdes.transforms.register_des import RegisterDesd

WHITE = 65535
KINDS = ("low_energy", "real", "virtual")
LESION_GAP = 0.01  # of the rows: parts of a mask that are nearer to each other are one lesion
SAMPLED = 500_000  # pixels of an image that decide its source's quantisation
REGULAR = 0.05  # of a step, by which values may lie off an even grid


@dataclass(frozen=True)
class Rendered:
    """One view of a case for readers.

    Attributes:
        images: by kind, float32 (rows, columns) in [0, 1] on the low-energy image's grid, as in its file.
        lesion_mask: bool, likewise.
        chest_wall: left or right, where it is in the file.
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
        aligned: whether real DES lies on low energy; else it is registered onto it.

    Raises:
        InputError: when called, an image cannot be read, the sizes of images that should lie on each other differ, or
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
        read = self.transform({**item, "real": item["des"]})
        if read.get("edge_offset_px", 0.0) > MAX_EDGE_OFFSET_PX:
            raise InputError(
                f"{item['des']}: real DES does not lie on the low-energy image: the breast edges are "
                f"{read['edge_offset_px']:.1f} pixels apart after registration; expected at most {MAX_EDGE_OFFSET_PX:g}"
            )
        inside = read["breast_mask"][0].numpy() > 0
        images = {kind: np.asarray(read[kind][0], dtype=np.float32) for kind in KINDS}
        # the breast as each program saw it differs by a rim of zeros, which would tell them apart: what is black and
        # joined to the outside in one is outside in both
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


def levels_of(values: np.ndarray) -> int:
    """Return how many even steps between 0 and 1 a source's values take, at least 255 and at most 65535.

    The commonest distance of neighbouring values is taken for the step. Where the values do not lie on an even grid, as
    after a maker's curve, the grid is four times coarser than that, and dither hides what is left of the curve.

    Args:
        values: of one image, in [0, 1].
    """
    distinct = np.unique(values.ravel()[:: max(1, values.size // SAMPLED)].astype(np.float64))
    steps = np.diff(distinct)
    steps = steps[steps > 0.25 / WHITE]
    if steps.size == 0:
        return 255
    levels = round(1 / float(np.median(np.sort(steps)[: max(1, steps.size // 2)])))
    off = np.abs(distinct * levels - np.rint(distinct * levels)).mean()
    if off > REGULAR:
        levels //= 4
    return int(np.clip(levels, 255, WHITE))


def encode(image: np.ndarray, levels: int, random: np.random.Generator) -> bytes:
    """Return an image as its file holds it.

    Values are rounded to ``levels`` even steps and dithered by half a step either way, which fills all 16 bits alike
    whatever the source was; 0, outside the breast, stays 0.

    Args:
        image: float in [0, 1], (rows, columns).
        levels: steps from 0 to 1.
        random: of the dither; it must not be guessable, for the dither would tell the images apart.
    """
    steps = np.rint(image.astype(np.float64) * levels)
    dithered = (steps + random.uniform(-0.5, 0.5, image.shape)) / levels
    coded = np.rint(np.clip(dithered, 0, 1) * WHITE)
    return np.where(image > 0, coded, 0).astype("<u2").tobytes()


def read_frame(path: Path, rows: int, columns: int) -> np.ndarray:
    """Return an image, uint16 (rows, columns).

    Raises:
        InputError: the file does not exist or has another size.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected an image of the reader study") from error
    if len(data) != 2 * rows * columns:
        raise InputError(f"{path}: {len(data)} bytes; expected {2 * rows * columns}, for {rows} x {columns} pixels")
    return np.frombuffer(data, "<u2").reshape(rows, columns)


def digest(data: bytes) -> str:
    """Return the SHA-256 of an image's bytes."""
    return hashlib.sha256(data).hexdigest()


def lesions_of(mask: np.ndarray) -> list[dict[str, Any]]:
    """Return the lesions in a mask ``(rows, columns)``, the largest first.

    Returns:
        For each its ``box`` [x0, y0, x1, y1] (the first and last pixels) and its middle ``x``, ``y``, in pixels.
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
