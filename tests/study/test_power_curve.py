from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from vdes.study.power_curve import Power, patients_at


def points(sizes: list[int], start: float = -1.96, studies: int = 10_000, slope: float = 0.28) -> list[Power]:
    """Studies whose powers are exactly on a curve."""
    return [Power(size, round(studies * ndtr(start + slope * size**0.5)), studies) for size in sizes]


@pytest.mark.parametrize("start", [-1.96, -1.2])
def test_the_number_is_read_from_the_curve(start: float) -> None:
    found = patients_at(0.8, points([80, 90, 110, 120], start), 100, 0.95)
    assert found.value == pytest.approx(((0.8416 - start) / 0.28) ** 2, rel=0.02)
    assert 0 < found.low < found.value < found.high < 1.1 * found.value


def test_one_size_suffices_for_a_curve_from_the_quantile_of_the_interval() -> None:
    assert patients_at(0.9, points([80]), 80, 0.95).value == pytest.approx((3.2415 / 0.28) ** 2, rel=0.01)


def test_far_sizes_tell_nothing_unless_there_are_no_others() -> None:
    near, far = points([90, 110]), points([20, 500], slope=0.5)
    assert patients_at(0.8, near + far, 100, 0.95) == patients_at(0.8, near, 100, 0.95)
    assert patients_at(0.8, far, 25, 0.95) == patients_at(0.8, far[:1], 20, 0.95)


def test_powers_that_fall_with_the_patients_ask_for_more_of_them() -> None:
    falling = [Power(20, 370, 500), Power(27, 340, 500)]
    found = patients_at(0.8, falling, 22, 0.95)
    assert 27 < found.value < 100


def test_the_interval_holds_the_true_number() -> None:
    rng, sizes = np.random.default_rng(0), (90, 95, 105, 110)
    powers = [ndtr(-1.96 + 0.28 * size**0.5) for size in sizes]
    held = 0
    for _ in range(400):
        drawn = [Power(size, int(rng.binomial(250, power)), 250) for size, power in zip(sizes, powers, strict=True)]
        found = patients_at(0.8, drawn, 100, 0.95)
        held += found.low <= (2.8016 / 0.28) ** 2 <= found.high
    assert 0.92 <= held / 400 <= 0.98
