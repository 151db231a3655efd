"""Imitate different display processing, at random."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from vdes.errors import InputError


class RandGamma(RandomizableTransform):
    """Raise an image in [0, 1] to a random power, ``x ** gamma``.

    0 and 1 are unchanged, and all values between become darker or brighter, because the scale is the datalist's fixed
    range. MONAI's `RandAdjustContrast` first stretches each image to its own smallest and largest value, which leaves a
    dim image dim.

    Args:
        gamma: smallest and largest power, both above 0; its logarithm is drawn uniformly.

    Raises:
        InputError: ``gamma`` is not two such numbers in order.

    Example:
        >>> float(RandGamma((2.0, 2.0))(torch.tensor(0.5)))
        0.25

    """

    def __init__(self, gamma: tuple[float, float] = (0.7, 1.4)) -> None:
        super().__init__(prob=1.0)
        if not 0 < gamma[0] <= gamma[1]:
            raise InputError(f"gamma: expected two numbers above 0 in order, got {gamma}")
        self.range = (float(gamma[0]), float(gamma[1]))
        self.gamma = 1.0

    def randomize(self, data: Any = None) -> None:
        """Draw the power."""
        super().randomize(data)
        low, high = self.range
        self.gamma = float(low * (high / low) ** self.R.uniform())

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Return ``image`` raised to the power; values outside [0, 1] are clipped first."""
        self.randomize()
        return image.clamp(0, 1) ** self.gamma


class RandGammad(MapTransform, RandomizableTransform):
    """Dictionary form of `RandGamma`; each key has its own power."""

    def __init__(
        self, keys: KeysCollection, gamma: tuple[float, float] = (0.7, 1.4), allow_missing_keys: bool = False
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.transform = RandGamma(gamma)

    def set_random_state(self, seed: int | None = None, state: Any = None) -> RandGammad:
        """Seed the drawing."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with the images changed."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key])
        return d
