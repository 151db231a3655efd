"""Drop one of two inputs at random, so that a network learns to work without it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandDropInput(RandomizableTransform):
    """Set one channel of an image ``(2, H, W)`` to NaN, which marks an absent input, at random.

    An image that already has a NaN channel is unchanged, so one input always remains. Source: modality dropout
    (Neverova et al., ModDrop, IEEE TPAMI 38:1692, 2016); here an absent input differs from an image of zeros.

    Args:
        prob: probability that an image with both channels loses one; both are equally likely.

    Example:
        >>> dropped = RandDropInput(prob=1.0)(torch.zeros(2, 8, 8))
        >>> dropped.isnan().flatten(1).all(dim=1).sum().item()
        1

    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob)
        self.channel = 0

    def randomize(self, data: Any = None) -> None:
        """Draw whether to drop an input, and which."""
        super().randomize(data)
        self.channel = int(self.R.randint(2))

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Return ``image`` with both channels, or with one of them NaN."""
        self.randomize()
        if not self._do_transform or bool(image[:, 0, 0].isnan().any()):
            return image
        dropped = image.clone()
        dropped[self.channel] = torch.nan
        return dropped


class RandDropInputd(MapTransform, RandomizableTransform):
    """Dictionary form of `RandDropInput`; each key is drawn separately."""

    def __init__(self, keys: KeysCollection, prob: float = 0.5) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.transform = RandDropInput(prob)

    def set_random_state(self, seed: int | None = None, state: Any = None) -> RandDropInputd:
        """Seed the drawing."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with inputs dropped."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key])
        return d
