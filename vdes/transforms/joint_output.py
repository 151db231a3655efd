"""Split the output of a joint network for the metrics."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Transform


class JointOutputd(Transform):
    """Replace ``pred``, the dictionary that `JointNetwork` returns, by its parts."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with ``pred`` (virtual DES) and ``classification``."""
        return {**data, **data["pred"]}
