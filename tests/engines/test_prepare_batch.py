from __future__ import annotations

import pytest
import torch

from vdes.engines.prepare_batch import MASKS, PrepareBatchWithMasks
from vdes.losses.named_target import NamedTargetLoss
from vdes.losses.virtual_des_loss import VirtualDesLoss


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_the_target_is_the_des_image_and_the_masks(dtype):
    torch.manual_seed(0)
    batch = {
        "image": torch.rand(2, 1, 32, 24),
        "label": torch.rand(2, 1, 32, 24),
        "lesion_mask": (torch.rand(2, 1, 32, 24) > 0.5).to(dtype),
        "des_lesion_mask": (torch.rand(2, 1, 32, 24) > 0.6).to(dtype),
        "breast_mask": (torch.rand(2, 1, 32, 24) > 0.2).to(dtype),
        "case": ["P1_L_CC", "P2_L_CC"],
    }
    image, target = PrepareBatchWithMasks()(batch, torch.device("cpu"))
    assert torch.equal(image, batch["image"])
    assert list(target) == ["des", "lesion_mask", "des_lesion_mask", "breast_mask"]
    assert torch.equal(target["des"], batch["label"])
    assert all(torch.equal(target[name], batch[name]) for name in MASKS)
    # and it is what the loss takes: the error of a lesion pixel counts twice
    loss = NamedTargetLoss(VirtualDesLoss(l1_weight=1.0, ssim_weight=0.0, lesion_weight=1.0))
    assert float(loss(batch["label"] + 0.25, target)) == pytest.approx(0.5)


def test_the_batch_goes_to_the_device_that_is_asked_for():
    batch = {key: torch.rand(1, 1, 4, 4) for key in ("image", "label", *MASKS)}
    image, target = PrepareBatchWithMasks()(batch, "meta")
    assert {image.device.type, *(part.device.type for part in target.values())} == {"meta"}
