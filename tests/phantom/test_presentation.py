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


def _patches(present, breast, values, below=0.0):
    """Return what a breast of one value and wide patches that exceed it by ``values`` are shown as."""
    image = np.full(breast.shape, below, np.float32)
    middles = [(36 + 20 * index, 30) for index in range(len(values))]
    for (row, column), value in zip(middles, values, strict=True):
        image[row - 6 : row + 7, column - 6 : column + 7] += value
    shown = present(image, breast, 0.5).astype(float)
    return [shown[100, 60], *(shown[middle] for middle in middles)]


def test_des_is_a_straight_line_in_iodine(breast):
    levels = _patches(present_des, breast, [0.0155, 0.031])
    # the breast's median is at a fixed level, whatever hardening has left
    assert levels == _patches(present_des, breast, [0.0155, 0.031], below=-0.02)
    assert levels[0] == pytest.approx(0.22 * WHITE, abs=1)
    assert levels[1] - levels[0] == pytest.approx(0.20 * WHITE, abs=2)
    assert levels[2] - levels[1] == pytest.approx(levels[1] - levels[0], abs=2)


def test_low_energy_rises_and_bends(breast):
    levels = _patches(present_low_energy, breast, [0.3, 0.6, 0.9])
    steps = np.diff(levels)
    assert (steps > 100).all()
    assert (np.diff(steps) < 0).all()


def test_low_energy_window_is_fitted_to_the_densest_tissue(breast):
    bright = []
    for scale in (1.0, 2.0):
        image = np.zeros(breast.shape, np.float32)
        image[20:60, 10:40] = scale
        bright.append(present_low_energy(image, breast, 0.5)[40, 25] / WHITE)
    # the patch's edges, raised by the detail enhancement, are the densest
    assert bright == pytest.approx([0.69, 0.69], abs=0.06)
    assert bright[0] == pytest.approx(bright[1], abs=0.01)
