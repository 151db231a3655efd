from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.draw import polygon2mask

from vdes.metrics.difference_colours import DIFFERENCE_COLOURS, DIFFERENCE_RANGE
from vdes.study.case_pictures import MAX_HEIGHT, case_outline, case_pictures, picture_shape

ROWS, COLUMNS = 96, 48


def case(mirrored: bool = False, height: int = 120) -> dict[str, Any]:
    """A breast that fills 4/5 of the height and half of the width, with a lesion below the middle."""
    scale = height / 120
    rows, columns = round(ROWS * scale), round(COLUMNS * scale)
    y, x = np.indices((height, height * 3 // 4))
    inside = (y < rows) & (x < columns)
    lesion = np.hypot(y - 60 * scale, x - 15 * scale) < 8 * scale
    images = {
        "low_energy": 0.2 + 0.5 * x / columns,
        "des": 0.3 + 0.2 * lesion,
        "virtual_des-g": 0.3 + 0.1 * (y / rows),
    }
    masks = {"breast_mask": inside, "lesion_mask": lesion, "des_lesion_mask": np.zeros_like(lesion)}
    return {
        **{key: torch.from_numpy((image * inside).astype(np.float32))[None] for key, image in images.items()},
        **{key: torch.from_numpy(mask.astype(np.uint8))[None] for key, mask in masks.items()},
        "content": (rows, columns),
        "mirrored": mirrored,
    }


def outline_mask(outline: list[list[list[float]]], shape: tuple[int, int]) -> np.ndarray:
    return np.any([polygon2mask(shape, np.array(ring)[:, ::-1]) for ring in outline], axis=0)


def test_grey_pictures_are_the_cropped_images_in_one_window():
    shown = case()
    pictures = case_pictures(shown)
    assert set(pictures) == {"low_energy", "des", "virtual_des-g", "difference-g"}
    assert picture_shape(shown) == (ROWS, COLUMNS)
    for kind in ("low_energy", "des", "virtual_des-g"):
        assert pictures[kind].mode == "L"
        expected = np.rint(255 * shown[kind][0, :ROWS, :COLUMNS].numpy())
        np.testing.assert_array_equal(np.asarray(pictures[kind]), expected)


def test_a_mirrored_case_is_turned_back():
    plain, mirrored = (case_pictures(case(turned)) for turned in (False, True))
    for kind, picture in plain.items():
        np.testing.assert_array_equal(np.asarray(mirrored[kind]), np.asarray(picture)[:, ::-1])


def test_the_difference_has_the_colour_of_its_value_and_is_black_outside():
    shown = case()
    shown["virtual_des-g"] = shown["des"].clone()
    shown["virtual_des-g"][0, :10, :10] += 0.15
    shown["virtual_des-g"][0, 20:30, :10] -= 2 * DIFFERENCE_RANGE
    shown["breast_mask"][0, 40:50, :10] = 0
    shown["virtual_des-g"][0, 40:50, :10] += 0.2
    found = np.asarray(case_pictures(shown)["difference-g"].convert("RGB")) / 255
    expected = {(5, 5): 0.15, (25, 5): -DIFFERENCE_RANGE, (45, 5): 0.0, (70, 30): 0.0}
    for place, difference in expected.items():
        colour = DIFFERENCE_COLOURS(0.5 + difference / (2 * DIFFERENCE_RANGE))[:3]
        np.testing.assert_allclose(found[place], colour, atol=0.02)
    assert not found[45, 5].any()


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("height", [120, 1200])
def test_an_outline_lies_on_its_lesion_in_the_picture(mirrored, height):
    shown = case(mirrored, height)
    rows, columns = picture_shape(shown)
    assert rows <= MAX_HEIGHT
    bright = np.asarray(case_pictures(shown)["des"]) > 255 * 0.4
    assert bright.shape == (rows, columns)
    outline = case_outline(shown)
    assert len(outline) == 1
    assert outline[0][0] == outline[0][-1]
    drawn = outline_mask(outline, (rows, columns))
    assert 2 * (drawn & bright).sum() / (drawn.sum() + bright.sum()) > 0.93
    assert len(outline[0]) < 40


def test_a_lesion_at_the_edge_is_closed_and_each_lesion_has_its_own():
    shown = case()
    shown["lesion_mask"][0, 0:6, 0:6] = 1
    outline = case_outline(shown)
    assert len(outline) == 2
    assert all(ring[0] == ring[-1] for ring in outline)
    assert min(min(ring) for ring in outline)[0] == -0.5  # the middle of the first pixel is 0


def test_what_was_drawn_on_des_alone_is_shown():
    shown = case()
    shown["des_lesion_mask"], shown["lesion_mask"] = shown["lesion_mask"], shown["des_lesion_mask"]
    assert case_outline(shown) == case_outline(case())
    shown["des_lesion_mask"] = torch.zeros_like(shown["des_lesion_mask"])
    assert case_outline(shown) == []


def test_large_images_shrink_without_aliasing():
    shown = case(height=1200)
    stripes = (np.indices((1200, 900))[1] % 2).astype(np.float32)
    shown["low_energy"] = torch.from_numpy(stripes)[None]
    picture = case_pictures(shown)["low_energy"]
    assert isinstance(picture, Image.Image)
    assert picture.size == (round(MAX_HEIGHT * COLUMNS / ROWS), MAX_HEIGHT)
    inner = np.asarray(picture, dtype=float)[5:-5, 5:-5]
    assert abs(inner - 127.5).max() < 25
