import numpy as np
import pytest

from vdes.phantom.presentation import WHITE, present_des, present_low_energy


@pytest.fixture
def breast():
    mask = np.zeros((128, 96), bool)
    mask[16:112, :70] = True
    return mask


def test_zero_outside_and_twelve_bits_inside(breast):
    wild = np.random.default_rng(0).normal(0, 5, breast.shape).astype(np.float32)
    for present in (present_low_energy, present_des):
        shown = present(wild, breast, 0.5)
        assert shown.dtype == np.uint16
        assert (shown[~breast] == 0).all()
        assert shown[breast].min() >= 1
        assert shown.max() <= WHITE


def test_des_is_a_straight_line_in_iodine(breast):
    levels = [
        present_des(np.full(breast.shape, 0.0155 * mg, np.float32), breast, 0.5)[64, 30].astype(float)
        for mg in (0.0, 1.0, 2.0)
    ]
    assert levels[1] - levels[0] == pytest.approx(0.20 * WHITE, abs=2)
    assert levels[2] - levels[1] == pytest.approx(levels[1] - levels[0], abs=2)


def test_low_energy_rises_and_bends(breast):
    levels = [
        present_low_energy(np.full(breast.shape, value, np.float32), breast, 0.5)[64, 30].astype(float)
        for value in (0.0, 0.3, 0.6, 0.9)
    ]
    steps = np.diff(levels)
    assert (steps > 100).all()
    assert (np.diff(steps) < 0).all()
