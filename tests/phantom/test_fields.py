import numpy as np
import pytest

from vdes.phantom.fields import deposit, power_law, resize, smooth, wander


@pytest.mark.parametrize("beta", [2.0, 3.0, 4.0])
def test_power_law_has_its_exponent(beta, spectral_exponent):
    rng = np.random.default_rng(0)
    found = [spectral_exponent(power_law((256, 256), beta, rng, 1e4, 0.5), 0.5, 0.05, 0.5) for _ in range(6)]
    assert np.mean(found) == pytest.approx(beta, abs=0.15)


def test_stretched_field_is_longer_along_the_columns():
    field = power_law((256, 256), 4.0, np.random.default_rng(0), 20.0, 0.5, stretch=2.0)
    down, right = (np.square(np.diff(field, axis=axis)).mean() for axis in (0, 1))
    # wave numbers are scaled by the square root of the stretch in one direction and its inverse in the other
    assert down / right == pytest.approx(4.0, rel=0.3)


@pytest.mark.parametrize("size", [128, 512, 2048])
def test_deposit_keeps_the_volume_whatever_the_pixel(size):
    rng = np.random.default_rng(0)
    points = rng.uniform(60, 100, (500, 2))
    volume = rng.uniform(0.1, 1.0, 500)
    width = rng.uniform(0.15, 2.0, 500)
    pixel = 240 / size
    image = deposit(points, volume, width, (size, size * 3 // 4), pixel, (0.2, 0.6, 1.8))
    assert image.sum(dtype=float) * pixel**2 == pytest.approx(volume.sum(), rel=0.01)
    rows = (np.arange(size) + 0.5) * pixel
    centre = (image.sum(axis=1, dtype=float) * rows).sum() / image.sum(dtype=float)
    assert centre == pytest.approx((points[:, 0] * volume).sum() / volume.sum(), abs=0.1)


def test_deposit_drops_what_lies_outside():
    points = np.array([[-50.0, 10.0], [10.0, 900.0], [10.0, 10.0]])
    image = deposit(points, np.ones(3), np.full(3, 0.3), (64, 48), 1.0, (0.3,))
    assert image.sum() == pytest.approx(1.0, rel=1e-5)


def test_smooth_on_a_coarser_grid_equals_the_direct_filter():
    from scipy.ndimage import gaussian_filter

    image = power_law((256, 192), 3.0, np.random.default_rng(0), 100.0, 0.5)
    inner = (slice(64, -64), slice(64, -64))
    difference = (smooth(image, 9.0) - gaussian_filter(image, 9.0, mode="constant", truncate=3.0))[inner]
    assert np.abs(difference).max() < 0.02 * image.std()


def test_resize_keeps_positions():
    rows = np.linspace(0, 1, 40, dtype=np.float32)[:, None] * np.ones((1, 30), np.float32)
    large = resize(rows, (160, 120))
    expected = np.interp((np.arange(160) + 0.5) / 4 - 0.5, np.arange(40), rows[:, 0])
    assert large[8:-8, 60] == pytest.approx(expected[8:-8], abs=1e-3)
    assert resize(large, (40, 30)) == pytest.approx(rows, abs=0.01)


def test_curves_have_their_length_and_start():
    rng = np.random.default_rng(0)
    start = np.array([[10.0, 20.0], [30.0, 40.0]])
    path = wander(start, np.zeros(2), np.array([50.0, 20.0]), np.array([0.0, 0.8]), 200, rng)
    length = np.linalg.norm(np.diff(path, axis=1), axis=-1).sum(axis=1)
    assert length == pytest.approx([50, 20], rel=0.01)
    assert path[0, -1] == pytest.approx([10.0, 70.0])  # no bend: straight along the columns
    assert np.linalg.norm(path[1, -1] - path[1, 0]) < 19.9
