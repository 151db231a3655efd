from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from vdes.errors import InputError
from vdes.handlers.overlay import COLOURS, FLOOR, OPACITY, overlay, overlay_picture

GREY = np.linspace(0, 1, 12).reshape(3, 4)


def test_without_heat_the_image_shows_unchanged():
    for heat in (0.0, FLOOR):
        shown = overlay(GREY, np.full(GREY.shape, heat))
        assert shown.dtype == np.uint8
        assert shown.shape == (3, 4, 3)
        assert (shown == np.rint(255 * GREY)[..., None]).all()


def test_full_heat_is_the_last_colour_through_which_the_image_shows():
    shown = overlay(GREY, np.ones(GREY.shape))
    expected = (1 - OPACITY) * GREY[..., None] + OPACITY * np.array(COLOURS(1.0)[:3])
    assert np.abs(shown / 255 - expected).max() < 0.5 / 255 + 1e-9
    assert (np.diff(shown[..., 0].ravel().astype(int)) > 0).all()  # the greys are still apart


def test_heat_is_blended_in_by_degrees_and_pixel_by_pixel():
    heat = np.zeros(GREY.shape)
    heat[1, 2] = (1 + FLOOR) / 2
    shown = overlay(GREY, heat, opacity=0.8) / 255
    expected = 0.6 * GREY[1, 2] + 0.4 * np.array(COLOURS(0.5)[:3])
    assert shown[1, 2] == pytest.approx(expected, abs=1 / 255)
    shown[1, 2] = GREY[1, 2]
    assert np.abs(shown - GREY[..., None]).max() < 1 / 255


def test_no_opacity_leaves_the_image_as_it_is():
    assert (overlay(GREY, np.ones(GREY.shape), opacity=0) == np.rint(255 * GREY)[..., None]).all()


def test_the_colours_change_evenly_and_get_lighter():
    colours = rgb2lab(COLOURS(np.linspace(0, 1, 18))[:, :3])
    steps = np.linalg.norm(np.diff(colours, axis=0), axis=1)
    assert (np.diff(colours[:, 0]) > 0).all()
    assert steps.max() < 2 * steps.min()
    assert np.hypot(colours[:, 1], colours[:, 2]).min() > 50  # none is grey


def test_a_picture_holds_the_overlay_and_is_replaced_whole(tmp_path):
    heat = np.linspace(1, 0, 12).reshape(3, 4)
    path = tmp_path / "overlay.png"
    for floor in (0.5, 0.0):
        overlay_picture(GREY, heat, path, floor=floor)
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert (np.asarray(picture) == overlay(GREY, heat, floor=floor)).all()
    with pytest.raises(InputError, match="does not exist"):
        overlay_picture(GREY, heat, tmp_path / "nowhere" / "overlay.png")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("image", "heat_map", "more", "message"),
    [
        (GREY, np.zeros((4, 3)), {}, r"expected two of \(H, W\), got \(3, 4\) and \(4, 3\)"),
        (GREY[None], GREY[None], {}, r"got \(1, 3, 4\)"),
        (np.zeros((0, 3)), np.zeros((0, 3)), {}, r"got \(0, 3\)"),
        (GREY * 255, GREY, {}, r"image: expected values in \[0, 1\], got 0 to 255"),
        (GREY, GREY - 0.5, {}, r"heat_map: expected values in \[0, 1\], got -0.5 to 0.5"),
        (GREY, np.full(GREY.shape, np.nan), {}, "heat_map: expected values in"),
        (GREY, GREY, {"floor": 1}, r"floor, opacity: expected numbers in \[0, 1\) and \[0, 1\], got 1 and 0.6"),
        (GREY, GREY, {"opacity": 1.5}, "floor, opacity: .* got 0.2 and 1.5"),
    ],
)
def test_bad_input_is_named(image, heat_map, more, message):
    with pytest.raises(InputError, match=message):
        overlay(image, heat_map, **more)
