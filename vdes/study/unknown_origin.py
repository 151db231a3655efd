"""What a study's headline says about weights of unknown origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unknown_origin(provenance: Mapping[str, Any]) -> str:
    """Return the sentence that says whose weights may have seen test patients, by the provenance; empty if none."""
    roles = [bundle["role"] for bundle in provenance.get("bundles") or () if bundle.get("origin_known") is False]
    if not roles:
        return ""
    return f"Whether the weights of {' and '.join(roles)} have seen these test patients is unknown."
