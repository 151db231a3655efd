from __future__ import annotations

import pytest
import torch

from vdes.errors import InputError
from vdes.losses.named_target import NamedTargetLoss
from vdes.losses.sum_of_losses import SumOfLosses
from vdes.losses.virtual_des_loss import VirtualDesLoss


class InLesions(torch.nn.Module):
    def forward(self, pred: torch.Tensor, des: torch.Tensor, des_lesion_mask: torch.Tensor) -> torch.Tensor:
        return ((pred - des).abs() * des_lesion_mask).sum()


def test_each_term_gets_the_masks_that_it_asks_for():
    pred, des, drawn, on_des, breast = torch.rand(5, 2, 1, 32, 24, generator=torch.Generator().manual_seed(0))
    own = VirtualDesLoss(1.0, 2.0, 0.3, 0.4, 0.7)
    expected = torch.nn.L1Loss()(pred, des) + InLesions()(pred, des, on_des) + own(pred, des, drawn, breast)
    loss = SumOfLosses([torch.nn.L1Loss(), InLesions(), own])
    assert loss(pred, des, drawn, on_des, breast).item() == pytest.approx(expected.item())
    target = {"des": des, "lesion_mask": drawn, "des_lesion_mask": on_des, "breast_mask": breast}
    assert NamedTargetLoss(loss)(pred, target).item() == pytest.approx(expected.item())


def test_what_is_no_loss_of_two_images_is_refused():
    with pytest.raises(InputError, match="expected a loss of a prediction and a target"):
        SumOfLosses([torch.nn.Identity()])
