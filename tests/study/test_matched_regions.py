from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from vdes.study.matched_regions import MIN_PIXELS, Region, lesion_regions, matched_regions
from vdes.transforms.lesion_places import RING_WIDTH

SHAPE = (200, 150)
WIDTH = RING_WIDTH * SHAPE[0]


def disc(row: float, column: float, radius: float) -> np.ndarray:
    y, x = np.indices(SHAPE)
    return np.hypot(y - row, x - column) < radius


BREAST = disc(100, 0, 95)


def bar(row: int, column: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[row : row + 8, column : column + 30] = True
    return mask


def test_places_are_inside_the_breast_and_away_from_lesions_and_each_other():
    lesion = Region(bar(60, 20), bar(62, 22))
    lesions = lesion.low_energy | lesion.des | disc(140, 30, 10)
    placed = matched_regions(lesion, lesions, BREAST, np.random.default_rng(0), number=4)
    assert len(placed) == 4
    seen = np.zeros(SHAPE, int)
    for region in placed:
        both = region.low_energy | region.des
        seen += both
        assert not (both & ~BREAST).any()
        assert distance_transform_edt(~lesions)[both].min() > WIDTH
        assert distance_transform_edt(BREAST)[both].min() > WIDTH
        for own, drawn in zip(region, lesion, strict=True):
            assert own.sum() == pytest.approx(drawn.sum(), rel=0.1)
            shape = [np.linalg.svd(np.argwhere(mask) - np.argwhere(mask).mean(0), False)[1] for mask in (own, drawn)]
            assert shape[0] / own.sum() ** 0.5 == pytest.approx(shape[1] / drawn.sum() ** 0.5, rel=0.1)
        # the two masks move as one
        apart = [np.argwhere(part.low_energy).mean(0) - np.argwhere(part.des).mean(0) for part in (region, lesion)]
        assert np.hypot(*apart[0]) == pytest.approx(np.hypot(*apart[1]), abs=0.7)
    assert seen.max() == 1


def test_the_seed_decides_and_places_are_everywhere():
    lesion = Region(disc(60, 30, 6), disc(60, 30, 6))
    draws = [matched_regions(lesion, lesion.des, BREAST, np.random.default_rng(seed), 1)[0] for seed in range(40)]
    again = matched_regions(lesion, lesion.des, BREAST, np.random.default_rng(0), 1)[0]
    np.testing.assert_array_equal(again.des, draws[0].des)
    centres = np.array([np.argwhere(region.des).mean(0) for region in draws])
    assert np.ptp(centres[:, 0]) > 100
    assert np.ptp(centres[:, 1]) > 50


@pytest.mark.parametrize(("radius", "expected"), [(30, 1), (60, 0)])
def test_where_no_more_fit_there_are_fewer(radius, expected):
    lesion = Region(disc(100, 60, 4) | disc(60, 20, radius), disc(60, 20, radius))
    lesion = Region(lesion.low_energy & BREAST, lesion.des & BREAST)
    placed = matched_regions(lesion, lesion.low_energy, BREAST, np.random.default_rng(0), number=3)
    assert len(placed) == expected


def test_a_lesion_is_the_part_that_both_images_have():
    drawn = disc(60, 30, 8) | disc(120, 30, 6) | disc(100, 60, 1.5)
    on_des = disc(63, 32, 9) | disc(160, 20, 5) | disc(100, 60, 1.5)
    found = lesion_regions(drawn, on_des, BREAST)
    assert len(found) == 1
    np.testing.assert_array_equal(found[0].low_energy, disc(60, 30, 8))
    np.testing.assert_array_equal(found[0].des, disc(63, 32, 9))
    assert disc(100, 60, 1.5).sum() < MIN_PIXELS


def test_one_lesion_on_one_image_and_two_on_the_other_make_one_pair():
    found = lesion_regions(disc(60, 20, 8) | disc(60, 45, 5), bar(56, 12) | bar(60, 20), BREAST)
    assert len(found) == 1
    np.testing.assert_array_equal(found[0].low_energy, disc(60, 20, 8))


def test_pixels_in_the_air_are_no_lesion():
    lesion = disc(100, 93, 8)
    found = lesion_regions(lesion, lesion, BREAST)
    np.testing.assert_array_equal(found[0].low_energy, lesion & BREAST)
    assert lesion_regions(np.zeros(SHAPE, bool), lesion, BREAST) == []
