"""The intensity range of the images that inference writes."""

from __future__ import annotations

from collections.abc import Sequence

from vdes.data.datalist import Datalist, PathLike
from vdes.data.inference_items import image_source


def output_range(path: PathLike | Datalist, low_energy_range: Sequence[float]) -> tuple[float, float]:
    """Return the DES range of a datalist; for images without one, the range of the low-energy images themselves."""
    source = image_source(path)
    if isinstance(source, Datalist):
        return source.intensity_range("des")
    return float(low_energy_range[0]), float(low_energy_range[1])
