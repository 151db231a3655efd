"""From a joint network's output to what metrics read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Transform


class JointOutputd(Transform):
    """Put the parts of ``pred``, the dictionary that `JointNetwork` returns, in place of it."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return ``data`` with ``pred`` (virtual DES) and ``classification``."""
        return {**data, **data["pred"]}
