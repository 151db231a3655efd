"""One tensor of two inputs, either of which may be absent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import MapTransform
from monai.utils import convert_to_tensor

from vdes.data.vocabulary import MODALITIES


class StackInputsd(MapTransform):
    """Stack ``low_energy`` and ``des``, each ``(1, H, W)``, into ``image`` ``(2, H, W)``; an absent one becomes NaN.

    NaN, not 0: `vdes.networks.lesion_classifier.LesionClassifier` must tell an absent image from an empty one.
    """

    def __init__(self) -> None:
        super().__init__(MODALITIES, allow_missing_keys=True)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with ``image`` in place of its parts."""
        d = dict(data)
        images = {key: convert_to_tensor(d.pop(key), track_meta=False) for key in self.key_iterator(d)}
        absent = torch.full_like(next(iter(images.values())), torch.nan)
        d["image"] = torch.cat([images.get(name, absent) for name in MODALITIES])
        return d
