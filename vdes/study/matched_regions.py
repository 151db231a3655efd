"""Lesion regions, and regions of the same size and shape elsewhere in the same breast."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import find_objects
from scipy.signal import fftconvolve
from skimage.measure import label
from skimage.morphology import isotropic_dilation, isotropic_erosion
from skimage.transform import rotate

from vdes.transforms.lesion_places import RING_WIDTH

PER_LESION = 2  # matched regions per lesion, if they fit
ANGLES = np.arange(0, 360, 15)  # degrees
MIN_PIXELS = 20  # less has no texture


class Region(NamedTuple):
    """One region, as masks (H, W), bool, drawn on the low-energy image and on the DES image."""

    low_energy: np.ndarray
    des: np.ndarray


def lesion_regions(lesion_mask: np.ndarray, des_lesion_mask: np.ndarray, breast: np.ndarray) -> list[Region]:
    """Return the lesions that were drawn on both images, limited to the breast.

    Lesions are connected parts. The partner of a lesion on the other image is the one with the largest overlap. If two
    lesions are not each other's partners, or one has fewer than `MIN_PIXELS`, they are left out.

    Args:
        lesion_mask: drawn on low energy, (H, W), bool.
        des_lesion_mask: drawn on DES, registered, the same.
        breast: (H, W), bool.
    """
    drawn, on_des = label(lesion_mask & breast), label(des_lesion_mask & breast)
    shared = np.zeros((drawn.max() + 1, on_des.max() + 1), dtype=int)
    np.add.at(shared, (drawn, on_des), 1)
    shared[0], shared[:, 0] = 0, 0
    regions = []
    for i in range(1, len(shared)):
        j = int(shared[i].argmax())
        if shared[i, j] == 0 or shared[:, j].argmax() != i:
            continue
        region = Region(drawn == i, on_des == j)
        if min(part.sum() for part in region) >= MIN_PIXELS:
            regions.append(region)
    return regions


def matched_regions(
    region: Region, lesions: np.ndarray, breast: np.ndarray, rng: np.random.Generator, number: int = PER_LESION
) -> list[Region]:
    """Move and rotate a region to locations in the same breast outside any lesion.

    Both of its masks move together. The location is random among all in which they lie entirely in the breast, at
    least the width of the ring of `vdes.metrics.lesion_ring` away from the skin and from any lesion, so that no ring
    contains a lesion or air, and do not touch a region placed before. Only the masks are rotated, never the image.

    Args:
        region: a lesion.
        lesions: all lesions of the image, drawn on either image, (H, W), bool.
        breast: (H, W), bool.
        rng: random number generator.
        number: number of regions wanted.

    Returns:
        Regions, at most ``number``; fewer or none if no more fit.
    """
    width = RING_WIDTH * breast.shape[0]
    free = isotropic_erosion(breast, width)
    if lesions.any():
        free &= ~isotropic_dilation(lesions, width)
    (window,) = find_objects((region.low_energy | region.des).astype(np.uint8))
    placed: list[Region] = []
    for angle in rng.permutation(ANGLES):
        if len(placed) == number:
            break
        turned = [rotate(part[window].astype(float), angle, resize=True, order=0) > 0.5 for part in region]
        both = turned[0] | turned[1]
        if any(side > room for side, room in zip(both.shape, free.shape, strict=True)):
            continue
        # number of occupied pixels for each position of the upper left corner
        taken = fftconvolve((~free).astype(float), both[::-1, ::-1].astype(float), mode="valid")
        rows, columns = np.nonzero(taken < 0.5)
        if rows.size == 0:
            continue
        corner = rng.integers(rows.size)
        place = tuple(
            slice(start[corner], start[corner] + side) for start, side in zip((rows, columns), both.shape, strict=True)
        )
        masks = [np.zeros_like(breast) for _ in turned]
        for mask, part in zip(masks, turned, strict=True):
            mask[place] = part
        placed.append(Region(*masks))
        free &= ~(masks[0] | masks[1])
    return placed
