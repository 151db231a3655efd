from __future__ import annotations

import pytest
import torch

from vdes.errors import InputError
from vdes.losses.joint_loss import JointLoss
from vdes.losses.multi_level_loss import MultiLevelLoss
from vdes.losses.virtual_des_loss import VirtualDesLoss


@pytest.mark.parametrize("fidelity", [VirtualDesLoss(), torch.nn.L1Loss()])
def test_it_is_the_weighted_sum_of_both_losses(fidelity):
    generator = torch.Generator().manual_seed(0)
    pred, des = (torch.rand(2, 1, 32, 24, generator=generator) for _ in range(2))
    output = {"pred": pred, "classification": torch.randn(2, 3, generator=generator)}
    masks = {name: torch.ones_like(des) for name in ("lesion_mask", "breast_mask")}
    levels = torch.tensor([[2, 0, 0], [0, 1, 1]])
    loss = JointLoss(fidelity, MultiLevelLoss(), 0.25)(output, {"des": des, **masks, "levels": levels})
    assert loss.item() == pytest.approx(
        fidelity(pred, des).item() + 0.25 * MultiLevelLoss()(output["classification"], levels).item()
    )


def test_a_weight_below_0_is_refused():
    with pytest.raises(InputError, match=r"classification_weight: -0\.1; expected 0 or more"):
        JointLoss(torch.nn.L1Loss(), MultiLevelLoss(), -0.1)
