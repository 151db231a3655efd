from __future__ import annotations

import pytest
import torch
from monai.losses import SSIMLoss
from torch.nn.functional import mse_loss

from vdes.errors import InputError
from vdes.losses.named_target import NamedTargetLoss
from vdes.losses.virtual_des_loss import VirtualDesLoss


@pytest.fixture()
def pred() -> torch.Tensor:
    return torch.rand(2, 1, 32, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture()
def target() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    lesion = torch.zeros(2, 1, 32, 24, dtype=torch.uint8)
    lesion[:, :, 8:16, 4:12] = 1
    return {
        "des": torch.rand(2, 1, 32, 24, generator=generator),
        "lesion_mask": lesion,
        "des_lesion_mask": lesion,
        "breast_mask": torch.ones_like(lesion),
    }


@pytest.mark.parametrize("loss", [torch.nn.L1Loss(), mse_loss, SSIMLoss(spatial_dims=2)])
def test_a_loss_of_two_images_gets_the_des_image_alone(loss, pred, target):
    assert NamedTargetLoss(loss)(pred, target).item() == loss(pred, target["des"]).item()


def test_a_loss_gets_the_masks_that_it_asks_for_and_no_other(pred, target):
    def inside(prediction: torch.Tensor, des: torch.Tensor, lesion_mask: torch.Tensor) -> torch.Tensor:
        return ((prediction - des).abs() * lesion_mask).sum() / lesion_mask.sum()

    expected = (pred - target["des"]).abs()[..., 8:16, 4:12].mean()
    assert NamedTargetLoss(inside)(pred, target).item() == pytest.approx(expected.item())
    lesion = target["lesion_mask"]
    own = VirtualDesLoss(1.0, 2.0, 0.3, 0.4, 0.7)
    assert NamedTargetLoss(own)(pred, target).item() == own(pred, target["des"], lesion, target["breast_mask"]).item()


def test_a_prediction_in_bfloat16_is_compared_in_single_precision(pred, target):
    loss = NamedTargetLoss(torch.nn.L1Loss())(pred.bfloat16(), target)
    assert loss.dtype == torch.float32
    assert loss.item() == torch.nn.L1Loss()(pred.bfloat16().float(), target["des"]).item()


def test_the_example_of_a_name_that_is_missing(pred, target):
    with pytest.raises(InputError, match="target: Tensor; expected images by name: des"):
        NamedTargetLoss(torch.nn.L1Loss())(pred, torch.cat(list(target.values()), dim=1))
    del target["breast_mask"]
    assert NamedTargetLoss(torch.nn.L1Loss())(pred, target).isfinite()
    with pytest.raises(InputError, match="target: des, lesion_mask, des_lesion_mask; expected images by name: des"):
        NamedTargetLoss(VirtualDesLoss())(pred, target)


def test_nothing_is_broadcast(pred, target):
    with pytest.raises(InputError, match=r"pred: shape \(2, 3, 32, 24\); expected that of the DES image, \(2, 1"):
        NamedTargetLoss(torch.nn.L1Loss())(pred.expand(2, 3, 32, 24), target)


@pytest.mark.parametrize("loss", ["l1", torch.abs, lambda pred: pred.mean(), lambda pred, des, thickness: pred.mean()])
def test_what_is_no_loss_of_two_images_is_refused(loss):
    with pytest.raises(InputError, match="expected a loss of a prediction and a target"):
        NamedTargetLoss(loss)
