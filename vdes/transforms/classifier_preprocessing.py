"""The preprocessing of the lesion classifier: whichever inputs an item has, on one square grid."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.transforms import Compose, EnsureTyped, MapTransform, MaskIntensityd, SelectItemsd

from vdes.data.levels import LEVEL_FIELDS
from vdes.data.vocabulary import MODALITIES
from vdes.errors import InputError
from vdes.transforms.preprocessing import image_preprocessing


def classifier_preprocessing(
    size: int,
    low_energy_range: Sequence[float],
    des_range: Sequence[float],
    inputs: Sequence[str] = MODALITIES,
) -> Compose:
    """Return the transforms from a datalist item to its images for the lesion classifier.

    In: an item with ``low_energy``, ``des`` (files) or both. Out: ``low_energy`` and ``des``, each ``(1, size, size)``
    float32 in [0, 1], where there is a file; and the fields of `vdes.data.levels` that the item has. Random transforms
    may follow, then `vdes.transforms.stack_inputs.StackInputsd`.

    Each image by itself: chest wall to the left, crop to the breast, stretched to a square, 0 outside the breast, the
    datalist's fixed range to [0, 1]. The aspect ratio goes and so does what lies outside the breast, so neither a
    file's shape nor its border tells a class; DES images are not registered, because either may be absent.

    Args:
        size: rows and columns of the working grid.
        low_energy_range: the low-energy intensities that become 0 and 1.
        des_range: the DES intensities that become 0 and 1.
        inputs: what of ``low_energy`` and ``des`` is used; the other is absent even where there is a file.

    """
    ranges = dict(zip(MODALITIES, (low_energy_range, des_range), strict=True))
    single = {name: _one_input(name, size, ranges[name]) for name in MODALITIES if name in inputs}
    return Compose([EachInputd(single), SelectItemsd((*single, *LEVEL_FIELDS), allow_missing_keys=True)])


def _one_input(modality: str, size: int, intensity_range: Sequence[float]) -> Compose:
    return Compose(
        [
            image_preprocessing(modality, "image", size, size, intensity_range, stretch=True),
            MaskIntensityd("image", mask_key="breast_mask"),
            EnsureTyped("image", track_meta=False),
        ]
    )


class EachInputd(MapTransform):
    """Apply to each input that an item has its own transforms, and drop the inputs that are None.

    Args:
        single: for ``low_energy``, ``des`` or both the transforms from the item to ``image``.

    Raises:
        InputError: an item has none of the inputs.

    """

    def __init__(self, single: Mapping[str, Compose]) -> None:
        super().__init__(tuple(single))
        self.single = dict(single)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with its images read."""
        d = dict(data)
        images = {name: single(d)["image"] for name, single in self.single.items() if d.get(name) is not None}
        if not images:
            raise InputError(f"{d.get('case')}: no {' and no '.join(self.single)}; expected at least one image")
        return {key: value for key, value in d.items() if key not in self.single} | images
