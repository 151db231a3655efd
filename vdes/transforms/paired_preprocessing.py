"""The preprocessing of LE/DES pairs that training and evaluation share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.transforms import AsDiscreted, CastToTyped, Compose, CopyItemsd, EnsureTyped, MapTransform, SelectItemsd

from vdes.transforms.breast_mask import BreastMaskd
from vdes.transforms.preprocessing import air_threshold, scale, to_working_grid
from vdes.transforms.read_mammogram import ReadMammogramd
from vdes.transforms.register_des import RegisterDesd


def paired_preprocessing(
    height: int,
    width: int,
    low_energy_range: Sequence[float],
    des_range: Sequence[float],
    pixel_size_mm: float | None = None,
    register: bool = True,
    keep: Sequence[str] = (),
) -> Compose:
    """Return the transforms from a datalist item to a pair for training and evaluation.

    In: an item with ``low_energy`` and ``des`` (files), ``lesion_mask`` and ``des_lesion_mask`` (files; may be
    absent), ``case`` and ``patient``. Out: ``image`` (low energy) and ``label`` (DES), both ``(1, height, width)`` in
    [0, 1]; ``breast_mask``, ``lesion_mask`` and ``des_lesion_mask`` (uint8, 0 or 1; all 0 where nothing was drawn);
    ``case``, ``patient``; and ``edge_offset_before_px`` and ``edge_offset_px`` (file pixels) where the pair was
    registered.

    Args:
        height: rows of the working grid.
        width: columns of the working grid.
        low_energy_range: the low-energy intensities that become 0 and 1.
        des_range: the DES intensities that become 0 and 1.
        pixel_size_mm: pixel size of the working grid in mm; None fills the grid.
        register: register the DES image onto the low-energy image. Leave it out only for pairs known to be aligned.
        keep: further fields of the item to keep, such as those of `vdes.data.levels`.

    """
    keys = ("image", "label", "lesion_mask", "des_lesion_mask", "breast_mask")
    drawn_on: tuple[tuple[str, str], ...] = (("lesion_mask", "image"), ("des_lesion_mask", "label"))
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
            ReadMammogramd(keys[:4], reference="image", same_size=drawn_on),
            AsDiscreted(("lesion_mask", "des_lesion_mask"), threshold=0.5),  # files hold 0 and 255
            BreastMaskd("image", "breast_mask", air_threshold(low_energy_range)),
            *alignment,
            *to_working_grid(keys, ("bilinear",) * 2 + ("nearest-exact",) * 3, height, width, pixel_size_mm),
            scale("image", low_energy_range),
            scale("label", des_range),
            EnsureTyped(keys, track_meta=False),
            CastToTyped(keys[2:], dtype=torch.uint8),  # a cached case takes half the room
            SelectItemsd(
                (*keys, "case", "patient", "edge_offset_before_px", "edge_offset_px", *keep), allow_missing_keys=True
            ),
        ]
    )
