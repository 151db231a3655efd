"""The preprocessing of training images that need no partner."""

from __future__ import annotations

from collections.abc import Sequence

from monai.transforms import Compose, EnsureTyped, SelectItemsd

from vdes.transforms.preprocessing import image_preprocessing


def unpaired_preprocessing(
    modality: str,
    key: str,
    height: int,
    width: int,
    intensity_range: Sequence[float],
    pixel_size_mm: float | None = None,
) -> Compose:
    """Return the transforms from a datalist item to the image of one modality, based on its own outline alone.

    In: an item with the file of ``modality``, ``case`` and ``patient``. Out: ``key`` ``(1, height, width)`` in [0, 1],
    a plain tensor; ``case`` and ``patient``.

    Args:
        modality: ``low_energy`` or ``des``.
        key: the name of the result.
        height: rows of the working grid.
        width: columns of the working grid.
        intensity_range: the two intensities that become 0 and 1, the same for all images of a datalist.
        pixel_size_mm: pixel size of the working grid in mm; None fills the grid.

    """
    return Compose(
        [
            image_preprocessing(modality, key, height, width, intensity_range, pixel_size_mm),
            EnsureTyped(key, track_meta=False),
            SelectItemsd((key, "case", "patient")),
        ]
    )
