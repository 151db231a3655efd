from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage

from vdes.errors import InputError
from vdes.transforms.breast_mask import BreastMask, BreastMaskd, chest_wall_is_left, eroded

AIR = 5.1


def as_image(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy())[None]


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_mask_is_the_breast_without_labels_and_with_its_dark_parts(breast, side):
    made = breast(side=side)
    pixels = made.pixels.copy() if side == "left" else made.pixels[:, ::-1].copy()
    pixels[4:18, -16:-2] = 255.0  # a label
    pixels[150:156, 80:90] = 200.0  # a marker
    pixels[60:100, :20] = 0.0  # fat at the chest wall, as black as air
    pixels[70:90, 35:50] = 0.0  # fat inside
    if side == "right":
        pixels = pixels[:, ::-1]
    mask = BreastMask(AIR)(as_image(pixels))
    assert mask.shape == (1, *pixels.shape)
    assert mask.dtype == torch.float32
    found = mask[0].numpy()
    assert set(np.unique(found)) == {0.0, 1.0}
    # smoothing by one pixel moves the edge by no more than three at this threshold
    assert found[made.mask].all()
    assert not found[~ndimage.binary_dilation(made.mask, iterations=3)].any()


def test_a_bay_that_is_open_to_the_air_is_not_breast(breast):
    made = breast()
    pixels = made.pixels.copy()
    pixels[:70, 20:30] = 0.0  # a fold from the skin inwards
    assert not BreastMask(AIR)(as_image(pixels))[0, 20:60, 24:26].any()


def test_the_mask_does_not_change_the_image_and_keeps_its_place(breast):
    pixels = breast().pixels
    image = MetaTensor(pixels[None].copy(), affine=torch.diag(torch.tensor([2.0, 3.0, 1.0, 1.0])))
    mask = BreastMask(AIR)(image)
    np.testing.assert_array_equal(image[0].numpy(), pixels)
    torch.testing.assert_close(mask.affine, image.affine)


def test_an_image_of_air_is_named(breast):
    image = MetaTensor(torch.full((1, 30, 20), 3.0), meta={"filename_or_obj": "black.png"})
    with pytest.raises(InputError, match=r"^black\.png: no breast: no pixel above 5\.1"):
        BreastMask(AIR)(image)
    with pytest.raises(InputError, match="no breast"):
        BreastMask(AIR)(torch.zeros(1, 30, 20))


@pytest.mark.parametrize("width", [60, 61])
def test_the_chest_wall_is_where_the_breast_is_widest(breast, width):
    mask = breast((100, width)).mask
    assert chest_wall_is_left(mask) is True
    assert chest_wall_is_left(mask[:, ::-1]) is False


def test_the_dictionary_form_makes_one_mask_a_key_each_with_its_threshold(breast):
    made = breast()
    data = {"low_energy": as_image(made.pixels), "des": as_image(made.pixels + 50), "case": "P1_L_CC"}
    masked = BreastMaskd(("low_energy", "des"), ("breast_mask", "des_breast_mask"), (AIR, AIR + 50))(data)
    torch.testing.assert_close(masked["breast_mask"], masked["des_breast_mask"])
    torch.testing.assert_close(masked["breast_mask"], BreastMask(AIR)(data["low_energy"]))
    assert "breast_mask" not in data
    assert masked["case"] == "P1_L_CC"
    whole = BreastMaskd("des", "des_breast_mask", AIR)(data)["des_breast_mask"]
    assert whole.all()


@pytest.mark.parametrize("shape", [(40, 30), (7, 1), (1, 9)])
def test_erosion_is_that_of_scipy(shape):
    mask = np.random.default_rng(0).random(shape) < 0.9
    for iterations in (1, 3):
        np.testing.assert_array_equal(
            eroded(mask, iterations), ndimage.binary_erosion(mask, iterations=iterations, border_value=1)
        )
