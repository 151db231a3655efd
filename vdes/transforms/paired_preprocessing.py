"""The preprocessing of LE/DES pairs that training and evaluation share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from monai.transforms import AsDiscreted, CastToTyped, Compose, CopyItemsd, EnsureTyped, MapTransform, SelectItemsd

from vdes.transforms.breast_mask import BreastMaskd
from vdes.transforms.preprocessing import air_threshold, scale, to_working_grid
from vdes.transforms.read_mammogram import ReadMammogramd
from vdes.transforms.register_des import RegisterDesd

PLACE = ("mirrored", "foreground_start_coord", "foreground_end_coord", "pixel_size_mm")


def paired_preprocessing(
    height: int,
    width: int,
    low_energy_range: Sequence[float],
    des_range: Sequence[float],
    pixel_size_mm: float | None = None,
    register: bool = True,
    keep: Sequence[str] = (),
    on_low_energy: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> Compose:
    """Return the transforms from a datalist item to a pair for training and evaluation.

    In: an item with ``low_energy`` and ``des`` (files), ``lesion_mask`` and ``des_lesion_mask`` (files; may be
    absent), ``case`` and ``patient``. Out: ``image`` (low energy) and ``label`` (DES), both ``(1, height, width)`` in
    [0, 1]; ``breast_mask``, ``lesion_mask`` and ``des_lesion_mask`` (uint8, 0 or 1; all 0 if nothing was drawn);
    ``case``, ``patient``; and ``edge_offset_before_px`` and ``edge_offset_px`` (file pixels) if the pair was
    registered.

    Args:
        height: rows of the working grid.
        width: columns of the working grid.
        low_energy_range: the low-energy intensities that become 0 and 1.
        des_range: the DES intensities that become 0 and 1.
        pixel_size_mm: pixel size of the working grid in mm; None fills the grid.
        register: register the DES image onto the low-energy image. Leave it out only for pairs known to be aligned.
        keep: further fields to keep, such as those of `vdes.data.levels`, or `PLACE`: whether the images were mirrored,
            the first and last rows and columns of the crop in the mirrored file, and the file's pixel size in mm, if
            known.
        on_low_energy: further images (files) aligned with the low-energy image, such as virtual DES, by field, each
            with the intensities that become 0 and 1; they are processed like ``image``.

    """
    others = tuple(on_low_energy)
    keys = ("image", "label", *others, "lesion_mask", "des_lesion_mask", "breast_mask")
    modes = ("bilinear",) * (len(keys) - 3) + ("nearest-exact",) * 3
    drawn_on = (("lesion_mask", "image"), ("des_lesion_mask", "label"), *((key, "image") for key in others))
    if not register:
        drawn_on = (*drawn_on, ("label", "image"))
    alignment: list[MapTransform] = (
        [
            BreastMaskd("label", "des_breast_mask", air_threshold(des_range)),
            RegisterDesd(("label", "des_lesion_mask"), reference="image"),
        ]
        if register
        else []
    )
    return Compose(
        [
            CopyItemsd(("low_energy", "des"), names=("image", "label")),
            ReadMammogramd(keys[:-1], reference="image", same_size=drawn_on),
            AsDiscreted(("lesion_mask", "des_lesion_mask"), threshold=0.5),  # files hold 0 and 255
            BreastMaskd("image", "breast_mask", air_threshold(low_energy_range)),
            *alignment,
            *to_working_grid(keys, modes, height, width, pixel_size_mm),
            scale("image", low_energy_range),
            scale("label", des_range),
            *(scale(key, limits) for key, limits in on_low_energy.items()),
            EnsureTyped(keys, track_meta=False),
            CastToTyped(keys[-3:], dtype=torch.uint8),  # a cached case takes half the memory
            SelectItemsd(
                (*keys, "case", "patient", "edge_offset_before_px", "edge_offset_px", *keep), allow_missing_keys=True
            ),
        ]
    )
