"""The preprocessing of the lesion classifier: the inputs that an item has, on one square grid."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.transforms import Compose, EnsureTyped, MapTransform, MaskIntensityd, SelectItemsd
from monai.utils import convert_to_tensor

from vdes.data.levels import LEVEL_FIELDS
from vdes.data.vocabulary import DRAWN_ON, MODALITIES
from vdes.errors import InputError
from vdes.transforms.preprocessing import image_preprocessing

LESION_SUFFIX = "_malignant"  # low_energy_malignant and des_malignant: where an image shows malignancy


def classifier_preprocessing(
    size: int,
    low_energy_range: Sequence[float],
    des_range: Sequence[float],
    inputs: Sequence[str] = MODALITIES,
    lesions: bool = False,
) -> Compose:
    """Return the transforms from a datalist item to its images for the lesion classifier.

    In: an item with ``low_energy``, ``des`` (files) or both. Out: ``low_energy`` and ``des``, each ``(1, size, size)``
    float32 in [0, 1], if there is a file; and the fields of `vdes.data.levels` that the item has. Random transforms
    may follow, then `vdes.transforms.stack_inputs.StackInputsd`.

    With ``lesions`` each image also has a target for the classifier's map of malignancy, ``low_energy_malignant``
    or ``des_malignant``, of the image's shape: the lesion mask of a malignant image, NaN everywhere if it has none,
    and 0 everywhere for any other image, even if something is drawn on it.

    Each image is processed on its own: chest wall to the left, crop to the breast, stretch to a square, 0 outside the
    breast, the datalist's fixed range to [0, 1]. The aspect ratio and everything outside the breast are removed, so
    neither the shape of a file nor its border reveals a class. DES images are not registered, because either may be
    absent.

    Args:
        size: rows and columns of the working grid.
        low_energy_range: the low-energy intensities that become 0 and 1.
        des_range: the DES intensities that become 0 and 1.
        inputs: which of ``low_energy`` and ``des`` to use; the other is absent even if there is a file.
        lesions: add the targets of the map of malignancy, for items whose pathology is known.

    """
    single = single_inputs(size, low_energy_range, des_range, inputs, lesions)
    kept = (*single, *(f"{name}{LESION_SUFFIX}" for name in single), *LEVEL_FIELDS)
    return Compose([EachInputd(single), SelectItemsd(kept, allow_missing_keys=True)])


def single_inputs(
    size: int,
    low_energy_range: Sequence[float],
    des_range: Sequence[float],
    inputs: Sequence[str] = MODALITIES,
    lesions: bool = False,
) -> dict[str, Compose]:
    """Return for each of ``inputs`` the transforms from an item to its ``image``, as in `classifier_preprocessing`."""
    ranges = dict(zip(MODALITIES, (low_energy_range, des_range), strict=True))
    return {name: _one_input(name, size, ranges[name], lesions) for name in MODALITIES if name in inputs}


def _one_input(modality: str, size: int, intensity_range: Sequence[float], lesions: bool) -> Compose:
    drawn = DRAWN_ON[modality] if lesions else None
    return Compose(
        [
            image_preprocessing(modality, "image", size, size, intensity_range, stretch=True, drawn=drawn),
            MaskIntensityd("image", mask_key="breast_mask"),
            EnsureTyped("image", track_meta=False),
        ]
    )


class EachInputd(MapTransform):
    """Apply to each input of an item its own transforms, and drop the inputs that are None.

    Args:
        single: for ``low_energy``, ``des`` or both, the transforms from the item to ``image``.

    Raises:
        InputError: an item has none of the inputs.

    """

    def __init__(self, single: Mapping[str, Compose]) -> None:
        super().__init__(tuple(single))
        self.single = dict(single)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with its images read, and the targets of those that come with a mask."""
        d = dict(data)
        images: dict[Hashable, Any] = {}
        for name, single in self.single.items():
            if d.get(name) is not None:
                read = single(d)
                images[name] = read["image"]
                if DRAWN_ON[name] in read:
                    images[f"{name}{LESION_SUFFIX}"] = _malignant_lesion(read[DRAWN_ON[name]], d["malignant"] == 1)
        if not images:
            raise InputError(f"{d.get('case')}: no {' and no '.join(self.single)}; expected at least one image")
        return {key: value for key, value in d.items() if key not in self.single} | images


def _malignant_lesion(mask: torch.Tensor, malignant: bool) -> torch.Tensor:
    """Return where an image shows malignancy, in the shape of a mask; NaN if that is unknown."""
    drawn = convert_to_tensor(mask, dtype=torch.float32, track_meta=False)
    if not malignant:
        return torch.zeros_like(drawn)
    return drawn if bool(drawn.any()) else torch.full_like(drawn, torch.nan)
