from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, shift, zoom

from vdes.errors import InputError
from vdes.reading.render import Renderer, lesions_of

ROWS, COLUMNS = 160, 120
RANGES = {"low_energy": (0, 255), "real": (0, 255), "virtual": (0, 65535)}


@pytest.fixture()
def item(tmp_path):
    """A breast whose real DES is larger and lies elsewhere, as published images do; virtual DES lies on low energy."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    breast = ((y - 80) / 66) ** 2 + (x / 88) ** 2 < 1
    texture = gaussian_filter(np.random.default_rng(0).standard_normal((ROWS, COLUMNS)), 3)
    lesion = np.hypot(y - 70, x - 40) < 8
    low = np.where(breast, 110 + 200 * texture, 0).clip(0, 255)
    des = np.where(breast, 80 + 60 * texture + 90 * lesion, 0).clip(0, 255)
    moved = shift(zoom(des, 1.05, order=1), (3, 0), order=1)
    moved_lesion = shift(zoom(lesion.astype(float), 1.05, order=1), (3, 0), order=1) > 0.5
    files = {
        "low_energy": low.astype(np.uint8),
        "des": moved.astype(np.uint8),
        # the breast as another program saw it: a rim of two pixels is missing
        "virtual": (257 * np.where(((y - 80) / 64) ** 2 + (x / 86) ** 2 < 1, des, 0)).astype(np.uint16),
        "des_lesion_mask": moved_lesion.astype(np.uint8) * 255,
    }
    for name, pixels in files.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    return {name: str(tmp_path / f"{name}.png") for name in files} | {"case": "P1_L_CC", "lesion_mask": None}


def test_real_des_is_brought_onto_the_low_energy_image(item):
    shown = Renderer(RANGES, aligned=False)(item)
    assert {image.shape for image in shown.images.values()} == {(ROWS, COLUMNS)}
    real, virtual = shown.images["real"], shown.images["virtual"]
    assert ((real > 0) == (virtual > 0)).mean() > 0.995
    inside = (real > 0) & (virtual > 0)
    assert np.abs(real - virtual)[inside].mean() < 0.02
    # the lesion was drawn on DES alone, and moves with it
    rows, columns = np.nonzero(shown.lesion_mask)
    assert (rows.mean(), columns.mean()) == pytest.approx((70, 40), abs=1.5)
    assert shown.chest_wall == "left" and shown.pixel_size_mm is None


def test_images_that_should_lie_on_each_other_must_have_one_size(item):
    with pytest.raises(InputError, match=r"des\.png: field real: size \(168, 126\) .* differs from \(160, 120\)"):
        Renderer(RANGES, aligned=True)(item)


def test_an_image_that_cannot_be_read_is_named(item, tmp_path):
    (tmp_path / "virtual.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"virtual\.png: cannot be read"):
        Renderer(RANGES, aligned=False)(item)


def test_parts_that_lie_near_each_other_are_one_lesion():
    mask = np.zeros((400, 300), bool)
    mask[50:60, 50:60] = mask[50:60, 62:70] = True
    mask[300:320, 100:140] = True
    large, small = lesions_of(mask)
    assert large == {"box": [100, 300, 139, 319], "x": 119.5, "y": 309.5, "pixels": 800}
    assert small["box"] == [50, 50, 69, 59] and small["pixels"] == 180
    assert lesions_of(np.zeros((4, 4), bool)) == []
