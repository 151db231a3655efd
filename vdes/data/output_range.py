"""The intensity range of the images that inference writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vdes.data.datalist import intensity_range


def output_range(path: str | Path, low_energy_range: Sequence[float]) -> tuple[float, float]:
    """Return the DES range of a datalist; for images without one, the range of the low-energy images themselves."""
    if Path(path).suffix.lower() == ".json":
        return intensity_range(path, "des")
    return float(low_energy_range[0]), float(low_energy_range[1])
