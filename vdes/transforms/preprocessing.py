"""The preprocessing that every bundle shares: from files to images on the working grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.transforms import (
    CastToTyped,
    Compose,
    CopyItemsd,
    CropForegroundd,
    EnsureTyped,
    MapTransform,
    MaskIntensityd,
    ScaleIntensityRanged,
    SelectItemsd,
)

from vdes.transforms.breast_mask import BreastMaskd
from vdes.transforms.chest_wall_left import ChestWallLeftd
from vdes.transforms.read_mammogram import ReadMammogramd
from vdes.transforms.register_des import RegisterDesd
from vdes.transforms.working_grid import WorkingGridd

AIR = 0.02  # share of the intensity range below which there is air


def low_energy_preprocessing(
    height: int, width: int, low_energy_range: Sequence[float], pixel_size_mm: float | None = None
) -> Compose:
    """Return the transforms from a datalist item to the network's input, invertible with MONAI's `Invertd`.

    In: an item with ``low_energy`` (a file) and ``case``. Out: ``image`` ``(1, height, width)`` in [0, 1], the chest wall at
    the left, cropped to the breast; ``breast_mask`` on the same grid; ``case``, ``patient`` and the file's name in ``low_energy``.

    Args:
        height: rows of the working grid.
        width: columns of the working grid.
        low_energy_range: the two intensities that become 0 and 1, the same for all images of a datalist.
        pixel_size_mm: pixel size of the working grid in mm; None fills the grid.

    """
    keys = ("image", "breast_mask")
    return Compose(
        [
            CopyItemsd("low_energy", names="image"),
            ReadMammogramd("image", reference="image"),
            BreastMaskd("image", "breast_mask", _air_threshold(low_energy_range)),
            *_to_working_grid(keys, ("bilinear", "nearest"), height, width, pixel_size_mm),
            _scale("image", low_energy_range),
            SelectItemsd((*keys, "case", "patient", "low_energy"), allow_missing_keys=True),
        ]
    )


def paired_preprocessing(
    height: int,
    width: int,
    low_energy_range: Sequence[float],
    des_range: Sequence[float],
    pixel_size_mm: float | None = None,
    register: bool = True,
) -> Compose:
    """Return the transforms from a datalist item to a pair for training and evaluation.

    In: an item with ``low_energy`` and ``des`` (files), ``lesion_mask`` and ``des_lesion_mask`` (files; may be absent), ``case``
    and ``patient``. Out: ``image`` (low energy) and ``label`` (DES), both ``(1, height, width)`` in [0, 1]; ``breast_mask``,
    ``lesion_mask`` and ``des_lesion_mask`` (uint8, 0 or 1; all 0 where nothing was drawn); ``case``, ``patient``;
    and ``edge_offset_before_px`` and ``edge_offset_px`` (file pixels) where the pair was registered.

    Args:
        height: rows of the working grid.
        width: columns of the working grid.
        low_energy_range: the low-energy intensities that become 0 and 1.
        des_range: the DES intensities that become 0 and 1.
        pixel_size_mm: pixel size of the working grid in mm; None fills the grid.
        register: register the DES image onto the low-energy image. Leave it out only for pairs known to be aligned.

    """
    keys = ("image", "label", "lesion_mask", "des_lesion_mask", "breast_mask")
    drawn_on = (("lesion_mask", "image"), ("des_lesion_mask", "label"))
    if not register:
        drawn_on = (*drawn_on, ("label", "image"))
    alignment: list[MapTransform] = (
        [
            BreastMaskd("label", "des_breast_mask", _air_threshold(des_range)),
            RegisterDesd(("label", "des_lesion_mask"), reference="image"),
        ]
        if register
        else []
    )
    return Compose(
        [
            CopyItemsd(("low_energy", "des"), names=("image", "label")),
            ReadMammogramd(keys[:4], reference="image", same_size=drawn_on),
            BreastMaskd("image", "breast_mask", _air_threshold(low_energy_range)),
            *alignment,
            *_to_working_grid(
                keys, ("bilinear", "bilinear", "nearest", "nearest", "nearest"), height, width, pixel_size_mm
            ),
            _scale("image", low_energy_range),
            _scale("label", des_range),
            EnsureTyped(keys, track_meta=False),
            CastToTyped(keys[2:], dtype=torch.uint8),  # a cached case takes half the room
            SelectItemsd(
                (*keys, "case", "patient", "edge_offset_before_px", "edge_offset_px"), allow_missing_keys=True
            ),
        ]
    )


def prediction_in_breast() -> Compose:
    """Return the transforms that make a network's output an image: ``pred`` clipped to [0, 1], and 0 outside ``breast_mask``."""
    return Compose(
        [
            ScaleIntensityRanged("pred", a_min=0.0, a_max=1.0, b_min=0.0, b_max=1.0, clip=True),
            MaskIntensityd("pred", mask_key="breast_mask"),
        ]
    )


def _to_working_grid(
    keys: Sequence[str], modes: tuple[str, ...], height: int, width: int, pixel_size_mm: float | None
) -> list[MapTransform]:
    return [
        ChestWallLeftd(keys),
        CropForegroundd(keys, source_key="breast_mask", allow_smaller=True),
        WorkingGridd(keys, height, width, pixel_size_mm, modes),
    ]


def _scale(key: str, limits: Sequence[float]) -> ScaleIntensityRanged:
    return ScaleIntensityRanged(key, a_min=limits[0], a_max=limits[1], b_min=0.0, b_max=1.0, clip=True)


def _air_threshold(limits: Sequence[float]) -> float:
    return limits[0] + AIR * (limits[1] - limits[0])
