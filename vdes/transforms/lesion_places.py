"""Lesions one by one, with the tissue around them, and places of the same shape elsewhere in the breast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects, label
from skimage.morphology import isotropic_dilation

RING_WIDTH = 0.03  # of the image's height: 15 pixels of 512, about 7 mm
MIN_PIXELS = 9  # the mean of a smaller region is mostly noise
DRAWS = 30  # for one place; where the breast has little room besides its lesions, there are fewer places

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Place:
    """A region and its ring, in a window of an image.

    Attributes:
        window: rows and columns of the image.
        inside: the region in the window, bool.
        ring: the tissue around it in the window, bool.
    """

    window: Window
    inside: np.ndarray
    ring: np.ndarray

    def contrast(self, image: np.ndarray) -> float:
        """Return the mean of ``image`` ``(H, W)`` inside minus that of the ring, in its units."""
        pixels = image[self.window]
        return float(pixels[self.inside].mean() - pixels[self.ring].mean())

    def weights(self, shape: tuple[int, int]) -> np.ndarray:
        """Return weights ``(H, W)``, float32, whose product with an image sums to its contrast."""
        weights = np.zeros(shape, dtype=np.float32)
        window = weights[self.window]
        window[self.inside] = 1 / self.inside.sum()
        window[self.ring] = -1 / self.ring.sum()
        return weights


def lesion_places(lesions: np.ndarray, breast: np.ndarray, ring_width: float = RING_WIDTH) -> list[Place]:
    """Return each connected part of a lesion mask with its ring.

    The ring is what a Euclidean dilation adds, without other lesions and without what lies outside the breast. Lesions
    of which fewer than `MIN_PIXELS` lie in the breast, or whose ring has fewer, are left out.

    Args:
        lesions: drawn lesions, bool ``(H, W)``.
        breast: the breast, bool ``(H, W)``.
        ring_width: width of the ring as a fraction of the image's height.
    """
    radius = ring_width * lesions.shape[0]
    margin = int(np.ceil(radius))
    parts, _ = label(lesions)
    places = []
    for number, box in enumerate(find_objects(parts), start=1):
        rows, columns = (slice(max(0, side.start - margin), side.stop + margin) for side in box)
        part = parts[rows, columns]
        inside = part == number
        ring = isotropic_dilation(inside, radius) & (part == 0) & breast[rows, columns]
        inside &= breast[rows, columns]
        if min(inside.sum(), ring.sum()) >= MIN_PIXELS:
            places.append(Place((rows, columns), inside, ring))
    return places


def matched_places(
    place: Place, breast: np.ndarray, lesions: np.ndarray, count: int, generator: np.random.Generator
) -> list[Place]:
    """Return up to ``count`` places of the shape of ``place`` drawn at random within the breast, outside lesions.

    Args:
        place: a lesion.
        breast: the breast, bool ``(H, W)``.
        lesions: all that was drawn on any of the images, bool ``(H, W)``; no place or ring touches it.
        count: of places.
        generator: source of the draws.
    """
    rows, columns = (slice(line.min(), line.max() + 1) for line in np.nonzero(place.inside | place.ring))
    inside, ring = place.inside[rows, columns], place.ring[rows, columns]
    covered = inside | ring
    free = breast & ~lesions
    places: list[Place] = []
    for _ in range(DRAWS):
        if len(places) == count:
            break
        top, left = (int(generator.integers(0, n - m + 1)) for n, m in zip(free.shape, covered.shape, strict=True))
        window = (slice(top, top + covered.shape[0]), slice(left, left + covered.shape[1]))
        if free[window][covered].all():
            places.append(Place(window, inside, ring))
    return places


def counterpart(place: Place, others: Sequence[Place]) -> Place:
    """Return the one of ``others`` that shares the most pixels with ``place``; ``place`` itself if none shares any.

    What is drawn on one image of a pair has its counterpart on the other, unless the reader saw it on one alone.
    """

    def shared(other: Place) -> int:
        windows = [place.window, other.window]
        common = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(*windows, strict=True)]
        if any(side.stop <= side.start for side in common):
            return 0
        return int((_part(place, common) & _part(other, common)).sum())

    best = max(others, key=shared, default=place)
    return best if best is place or shared(best) else place


def _part(place: Place, window: Sequence[slice]) -> np.ndarray:
    """Return the inside of a place in a part of its window, given in the image's rows and columns."""
    offsets = zip(window, place.window, strict=True)
    part: np.ndarray = place.inside[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in offsets)]
    return part
