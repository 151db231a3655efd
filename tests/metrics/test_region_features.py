from __future__ import annotations

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.metrics.enhancement import local_contrast
from vdes.metrics.region_features import GREY_LEVELS, region_features

SHAPE = (100, 80)
BREAST = np.indices(SHAPE)[1] < 70


def disc(row: float, column: float, radius: float) -> np.ndarray:
    y, x = np.indices(SHAPE)
    return np.hypot(y - row, x - column) < radius


REGION = disc(50, 30, 10)


def test_levels_and_contrast_are_those_of_the_pixels_inside():
    image = np.random.default_rng(0).random(SHAPE)
    image[REGION] = 0.5 + 0.5 * image[REGION]
    found = region_features(image, REGION, BREAST)
    contrast = local_contrast(image, REGION, BREAST)
    assert (found["ratio"], found["difference"]) == pytest.approx(contrast, abs=1e-6)
    assert found["mean"] == pytest.approx(image[REGION].mean(), abs=1e-6)
    assert found["spread"] == pytest.approx(image[REGION].std(), abs=1e-6)
    assert (found["p10"], found["p50"], found["p90"]) == pytest.approx(
        np.percentile(image[REGION], (10, 50, 90)), abs=1e-6
    )


def test_nothing_outside_the_region_counts_but_its_ring():
    image = np.random.default_rng(0).random(SHAPE)
    other = np.where(REGION, image, 1 - image)
    one, two = (region_features(shown, REGION, BREAST) for shown in (image, other))
    for name in set(one) - {"ratio", "difference"}:
        assert one[name] == pytest.approx(two[name])


def test_texture_of_a_chessboard_and_of_stripes():
    y, x = np.indices(SHAPE)
    step = 1 / GREY_LEVELS
    board = 0.25 + step / 2 + 4 * step * ((x + y) % 2)
    found = region_features(board, REGION, BREAST)
    # beside each other 4 levels apart, across the corner the same: half of the pairs each, but for the edge
    assert found["glcm_contrast"] == pytest.approx(16 / 2, rel=0.03)
    assert found["glcm_homogeneity"] == pytest.approx((1 + 1 / 17) / 2, rel=0.03)
    assert found["entropy"] == pytest.approx(1, abs=0.01)
    smooth = region_features(0.2 + 0.004 * y, REGION, BREAST)
    assert smooth["glcm_contrast"] < 0.5
    assert smooth["glcm_correlation"] > 0.85
    noise = region_features(np.random.default_rng(1).random(SHAPE), REGION, BREAST)
    assert abs(noise["glcm_correlation"]) < 0.15
    assert noise["entropy"] == pytest.approx(np.log2(GREY_LEVELS), abs=0.15)


@pytest.mark.parametrize("level", [0.0, 0.37, 1.0])
def test_a_constant_image_says_the_same_of_every_region(level):
    image = np.where(BREAST, level, 0.0)
    shapes = [REGION, disc(20, 60, 12), disc(80, 10, 3), np.s_[40:45, 2:60]]
    found = []
    for shape in shapes:
        region = shape if isinstance(shape, np.ndarray) else np.zeros(SHAPE, bool)
        if not isinstance(shape, np.ndarray):
            region[shape] = True
        found.append(region_features(image, region, BREAST))
    for features in found[1:]:
        assert features == pytest.approx(found[0], abs=1e-9)
    assert found[0]["ratio"] == found[0]["difference"] == found[0]["entropy"] == 0


def test_a_region_of_air_is_refused():
    with pytest.raises(InputError, match="no pixel is inside the breast"):
        region_features(np.zeros(SHAPE), ~BREAST, BREAST)
