from __future__ import annotations

import numpy as np
import pytest

from vdes.transforms.lesion_places import MIN_PIXELS, counterpart, lesion_places, matched_places

SHAPE = (100, 80)
BREAST = np.zeros(SHAPE, dtype=bool)
BREAST[5:95, :70] = True


def square(top: int, left: int, side: int = 6) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_each_connected_part_is_a_lesion_with_its_own_ring():
    near, far = square(20, 10), square(20, 18)  # rings of 3 pixels would overlap the other lesion
    places = lesion_places(near | far, BREAST)
    assert len(places) == 2
    for place, lesion, other in zip(places, (near, far), (far, near), strict=True):
        assert np.array_equal(place.weights(SHAPE) > 0, lesion)
        assert not (place.weights(SHAPE) < 0)[other].any()


def test_contrast_is_the_mean_inside_minus_the_mean_of_the_ring():
    lesion = square(40, 30)
    image = np.random.default_rng(0).random(SHAPE)
    (place,) = lesion_places(lesion, BREAST)
    distance = np.hypot(
        *(
            np.maximum(np.maximum(lo - grid, grid - lo - 5), 0)
            for lo, grid in zip((40, 30), np.indices(SHAPE), strict=True)
        )
    )
    ring = (distance > 0) & (distance <= 3)
    expected = image[lesion].mean() - image[ring].mean()
    assert place.contrast(image) == pytest.approx(expected)
    assert (place.weights(SHAPE) * image).sum() == pytest.approx(expected, rel=1e-5)


def test_what_lies_outside_the_breast_does_not_count():
    lesion = square(88, 30, side=12)  # rows 88 to 99; the breast ends at 94
    (place,) = lesion_places(lesion, BREAST)
    weights = place.weights(SHAPE)
    assert not weights[~BREAST].any()
    assert (weights > 0).sum() == 7 * 12


@pytest.mark.parametrize(("side", "count"), [(2, 0), (3, 1)])
def test_a_lesion_of_fewer_than_nine_pixels_is_left_out(side, count):
    assert MIN_PIXELS == 9
    assert len(lesion_places(square(40, 30, side), BREAST)) == count


def test_no_lesion_has_no_place():
    assert lesion_places(np.zeros(SHAPE, dtype=bool), BREAST) == []


def test_matched_places_have_the_shape_and_lie_in_the_breast_outside_lesions():
    lesions = square(40, 30) | square(60, 50, side=10)
    place = lesion_places(lesions, BREAST)[0]
    found = matched_places(place, BREAST, lesions, 5, np.random.default_rng(3))
    assert len(found) == 5
    for other in found:
        weights = other.weights(SHAPE)
        assert ((weights > 0).sum(), (weights < 0).sum()) == (place.inside.sum(), place.ring.sum())
        assert not weights[~BREAST | lesions].any()
    again = matched_places(place, BREAST, lesions, 5, np.random.default_rng(3))
    assert [other.window for other in again] == [other.window for other in found]


def test_a_breast_without_room_has_no_matched_place():
    lesion = square(40, 30)
    breast = square(35, 25, side=16)
    (place,) = lesion_places(lesion, breast)
    assert matched_places(place, breast, lesion, 2, np.random.default_rng(0)) == []


def test_the_counterpart_is_the_one_that_shares_most():
    (place,) = lesion_places(square(40, 30), BREAST)
    little, much = lesion_places(square(44, 20, side=11), BREAST), lesion_places(square(42, 31), BREAST)
    away = lesion_places(square(70, 10), BREAST)
    assert counterpart(place, [*away, *little, *much]) is much[0]
    assert counterpart(place, away) is place
    assert counterpart(place, []) is place
