"""Stack two inputs, either of which may be absent, into one tensor."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import MapTransform
from monai.utils import convert_to_tensor

from vdes.data.vocabulary import MODALITIES


class StackInputsd(MapTransform):
    """Stack ``low_energy`` and ``des``, each ``(1, H, W)``, into ``image`` ``(2, H, W)``; an absent one becomes NaN.

    NaN, not 0, because `vdes.networks.lesion_classifier.LesionClassifier` must distinguish an absent image from an
    empty one.

    Args:
        name: key of the result.
        suffix: suffix of the parts: with ``_malignant`` they are ``low_energy_malignant`` and ``des_malignant``.

    """

    def __init__(self, name: str = "image", suffix: str = "") -> None:
        super().__init__([f"{modality}{suffix}" for modality in MODALITIES], allow_missing_keys=True)
        self.name = name

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with the stack in place of its parts."""
        d = dict(data)
        parts = {key: convert_to_tensor(d.pop(key), track_meta=False) for key in self.key_iterator(d)}
        absent = torch.full_like(next(iter(parts.values())), torch.nan)
        d[self.name] = torch.cat([parts.get(key, absent) for key in self.keys])
        return d
