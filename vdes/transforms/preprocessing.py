"""The preprocessing of single images that every bundle shares: from files to the working grid, and back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from monai.transforms import (
    AsDiscreted,
    Compose,
    CopyItemsd,
    CropForegroundd,
    MapTransform,
    MaskIntensityd,
    ScaleIntensityRanged,
    SelectItemsd,
)

from vdes.errors import CaseError
from vdes.transforms.breast_mask import BreastMaskd
from vdes.transforms.chest_wall_left import ChestWallLeftd
from vdes.transforms.read_mammogram import ReadMammogramd
from vdes.transforms.working_grid import WorkingGridd

AIR = 0.02  # share of the intensity range below which there is air


def low_energy_preprocessing(
    height: int, width: int, low_energy_range: Sequence[float], pixel_size_mm: float | None = None
) -> Compose:
    """Return the transforms from a datalist item to the network's input, invertible with MONAI's `Invertd`.

    In: an item with ``low_energy`` (a file) and ``case``. Out: ``image`` ``(1, height, width)`` in [0, 1], with the
    chest wall at the left and cropped to the breast; ``breast_mask`` on the same grid; ``case``, ``patient`` and the
    name of the file in ``low_energy``.

    Args:
        height: rows of the working grid.
        width: columns of the working grid.
        low_energy_range: the two intensities that become 0 and 1, the same for all images of a datalist.
        pixel_size_mm: pixel size of the working grid in mm; None fills the grid.

    """
    return image_preprocessing("low_energy", "image", height, width, low_energy_range, pixel_size_mm)


def image_preprocessing(
    modality: str,
    key: str,
    height: int,
    width: int,
    intensity_range: Sequence[float],
    pixel_size_mm: float | None = None,
    stretch: bool = False,
    drawn: str | None = None,
) -> Compose:
    """Return the transforms for single images of one modality, the same as in `low_energy_preprocessing`.

    Args:
        modality: the item's field with the file, ``low_energy`` or ``des``.
        key: the name of the result.
        height: rows of the working grid.
        width: columns of the working grid.
        intensity_range: the two intensities that become 0 and 1, the same for all images of a datalist.
        pixel_size_mm: pixel size of the working grid in mm; None fills the grid.
        stretch: fill the grid and ignore the aspect ratio.
        drawn: the item's field with a mask drawn on the image (a file, or None for a mask of zeros); the result has it
            under this name, on the grid, 0 or 1.

    """
    masks = () if drawn is None else (drawn,)
    keys = (key, *masks, "breast_mask")
    modes = ("bilinear", *("nearest-exact",) * len(keys[1:]))
    return Compose(
        [
            CopyItemsd(modality, names=key),
            ReadMammogramd((key, *masks), reference=key, same_size=tuple((mask, key) for mask in masks)),
            *(AsDiscreted(mask, threshold=0.5) for mask in masks),  # files hold 0 and 255
            BreastMaskd(key, "breast_mask", air_threshold(intensity_range)),
            *to_working_grid(keys, modes, height, width, pixel_size_mm, stretch),
            scale(key, intensity_range),
            SelectItemsd((*keys, "case", "patient", modality), allow_missing_keys=True),
        ]
    )


def require_finite(data: dict[Hashable, Any]) -> dict[Hashable, Any]:
    """Return ``data`` unchanged.

    Raises:
        CaseError: ``pred`` has values that are not finite, which would become an image without any enhancement.
    """
    if not bool(data["pred"].isfinite().all()):
        raise CaseError(f"case {data.get('case', '')}: the network's output has values that are not finite")
    return data


def prediction_in_breast() -> Compose:
    """Return the transforms that turn ``pred``, a network's output, into an image in [0, 1], 0 outside the breast.

    They raise a `CaseError` if it has values that are not finite.
    """
    return Compose(
        [
            require_finite,
            ScaleIntensityRanged("pred", a_min=0.0, a_max=1.0, b_min=0.0, b_max=1.0, clip=True),
            MaskIntensityd("pred", mask_key="breast_mask"),
        ]
    )


def to_working_grid(
    keys: Sequence[str],
    modes: tuple[str, ...],
    height: int,
    width: int,
    pixel_size_mm: float | None,
    stretch: bool = False,
) -> list[MapTransform]:
    """Return the transforms that bring ``keys`` to the working grid: chest wall left, crop to the breast, resize."""
    return [
        ChestWallLeftd(keys),
        CropForegroundd(keys, source_key="breast_mask", allow_smaller=True),
        WorkingGridd(keys, height, width, pixel_size_mm, modes, stretch=stretch),
    ]


def scale(key: str, limits: Sequence[float]) -> ScaleIntensityRanged:
    """Return the transform that scales the fixed range ``limits`` to [0, 1]."""
    return ScaleIntensityRanged(key, a_min=limits[0], a_max=limits[1], b_min=0.0, b_max=1.0, clip=True)


def air_threshold(limits: Sequence[float]) -> float:
    """Return the intensity below which there is air."""
    return limits[0] + AIR * (limits[1] - limits[0])
