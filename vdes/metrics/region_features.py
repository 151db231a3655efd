"""A few numbers that describe the appearance of one region of an image."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects
from skimage.feature import graycomatrix, graycoprops

from vdes.errors import InputError
from vdes.metrics.enhancement import local_contrast

GREY_LEVELS = 32  # of the co-occurrence matrix, over the fixed range [0, 1]
DIRECTIONS = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
PERCENTILES = (10, 50, 90)
DECIMALS = 6  # further digits are rounding errors, which a classifier would mistake for a signal in a constant image
TEXTURE = ("contrast", "homogeneity", "correlation")


def region_features(image: np.ndarray, region: np.ndarray, breast: np.ndarray) -> dict[str, float]:
    """Return features of a region that do not depend on its shape, size or location.

    - ``ratio`` and ``difference`` of `vdes.metrics.enhancement.local_contrast`: contrast with the ring around it;
    - ``mean``, ``spread`` (standard deviation) and the percentiles ``p10``, ``p50`` and ``p90`` inside it;
    - ``glcm_contrast``, ``glcm_homogeneity`` and ``glcm_correlation`` of its grey-level co-occurrence matrix (Haralick,
      Shanmugam and Dinstein, "Textural features for image classification", IEEE Trans. Syst. Man Cybern. 3(6), 1973)
      of neighbouring pixels that are both inside, over four directions, and the region's grey-level ``entropy`` in
      bits. Grey levels are steps of the fixed range, not of the image's own range.

    In a constant image, ratio, difference, spread and entropy are 0, and the co-occurrence features are those of
    one grey level, the same for every region.

    Args:
        image: (H, W), float in [0, 1].
        region: (H, W), bool.
        breast: (H, W), bool; pixels of the region outside the breast are ignored.

    Raises:
        InputError: the region has no pixel in the breast.
    """
    inside = region & breast
    if not inside.any():
        raise InputError("region: no pixel is inside the breast")
    contrast = local_contrast(image, region, breast)
    values = image[inside]
    (window,) = find_objects(inside.astype(np.uint8))
    # level 0 is outside: its row and column of the matrix are left out
    levels = np.floor(image[window].clip(0, 1) * (GREY_LEVELS - 1e-6)).astype(np.uint8) + 1
    levels[~inside[window]] = 0
    pairs = graycomatrix(levels, [1], DIRECTIONS, GREY_LEVELS + 1, symmetric=True)[1:, 1:]
    pooled = pairs.sum(axis=3, keepdims=True).astype(float)
    share = np.bincount(levels[levels > 0]) / values.size
    share = share[share > 0]
    features = {
        "ratio": float(np.nan_to_num(contrast.ratio)),
        "difference": float(np.nan_to_num(contrast.difference)),
        "mean": float(values.mean()),
        "spread": float(values.std()),
        **{f"p{p}": float(value) for p, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)},
        **{f"glcm_{name}": float(graycoprops(pooled, name)[0, 0]) for name in TEXTURE},
        "entropy": float(-(share * np.log2(share)).sum()),
    }
    return {name: round(value, DECIMALS) for name, value in features.items()}
