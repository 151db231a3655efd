"""Bring the chest wall to the left."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys

from vdes.transforms.breast_mask import chest_wall_is_left


class ChestWallLeft(InvertibleTransform):
    """Mirror an image ``(1, H, W)`` left to right if needed, to put the chest wall at the left.

    The breast mask decides, not the laterality, because archives use both display conventions.
    """

    def __call__(self, image: torch.Tensor, breast_mask: torch.Tensor) -> torch.Tensor:
        """Return ``image``, mirrored if ``breast_mask`` (same size) has its chest wall at the right."""
        flipped = not chest_wall_is_left(breast_mask[0].numpy())
        result = image.flip(2) if flipped else image.clone()
        if isinstance(result, MetaTensor):
            self.push_transform(result, extra_info={"flipped": flipped})
        return result

    def inverse(self, image: MetaTensor) -> MetaTensor:
        """Return ``image`` in its own orientation."""
        transform = self.pop_transform(image)
        return image.flip(2) if transform[TraceKeys.EXTRA_INFO]["flipped"] else image


class ChestWallLeftd(MapTransform, InvertibleTransform):
    """Dictionary form of `ChestWallLeft`: all ``keys`` are mirrored together, as ``mask_key`` decides.

    Adds ``mirrored`` (bool).
    """

    def __init__(self, keys: KeysCollection, mask_key: str = "breast_mask") -> None:
        super().__init__(keys)
        self.mask_key = mask_key
        self.transform = ChestWallLeft()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with the chest wall at the left."""
        d = dict(data)
        mask = torch.as_tensor(d[self.mask_key]).clone()
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key], mask)
        d["mirrored"] = not chest_wall_is_left(mask[0].numpy())
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` in its own orientation."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform.inverse(d[key])
        return d
