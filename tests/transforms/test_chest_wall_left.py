from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor

from vdes.transforms.breast_mask import chest_wall_is_left
from vdes.transforms.chest_wall_left import ChestWallLeft, ChestWallLeftd


def as_image(array) -> MetaTensor:
    return MetaTensor(torch.from_numpy(array.copy()).float()[None], affine=torch.eye(4))


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_chest_wall_comes_to_the_left_and_goes_back(breast, side):
    made = breast(side=side)
    image, mask = as_image(made.pixels), as_image(made.mask)
    turned = ChestWallLeft()(image, mask)
    torch.testing.assert_close(turned.as_tensor(), as_image(breast(side="left").pixels).as_tensor())
    torch.testing.assert_close(image.as_tensor(), as_image(made.pixels).as_tensor())


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_inverse_restores_the_orientation(breast, side):
    image, mask = as_image(breast(side=side).pixels), as_image(breast(side=side).mask)
    transform = ChestWallLeft()
    turned = transform(image, mask)
    assert len(turned.applied_operations) == 1
    back = transform.inverse(turned)
    torch.testing.assert_close(back.as_tensor(), image.as_tensor())
    assert back.applied_operations == []


def test_a_plain_tensor_is_turned_too(breast):
    made = breast(side="right")
    pixels, mask = torch.from_numpy(made.pixels)[None], torch.from_numpy(made.mask)[None]
    turned = ChestWallLeft()(pixels, mask)
    assert not isinstance(turned, MetaTensor)
    torch.testing.assert_close(turned, pixels.flip(2))


@pytest.mark.parametrize("keys", [("image", "breast_mask"), ("breast_mask", "image")])
def test_all_keys_turn_together_in_any_order(breast, keys):
    made = breast(side="right")
    data = {"image": as_image(made.pixels), "breast_mask": as_image(made.mask), "case": "P1_R_CC"}
    transform = ChestWallLeftd(keys)
    turned = transform(data)
    assert chest_wall_is_left(turned["breast_mask"][0].numpy())
    torch.testing.assert_close(turned["image"].as_tensor(), data["image"].as_tensor().flip(2))
    back = transform.inverse(turned)
    for key in keys:
        torch.testing.assert_close(back[key].as_tensor(), data[key].as_tensor())
    assert back["case"] == "P1_R_CC"
