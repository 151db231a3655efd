from __future__ import annotations

import pytest
import torch
from torch.utils.data import default_collate

from vdes.data.levels import with_levels
from vdes.engines.prepare_levels import PrepareLevels
from vdes.losses.multi_level_loss import MultiLevelLoss

VIEWS = [("P2", "R", "malignant"), ("P1", "L", "benign"), ("P2", "L", "normal"), ("P2", "R", "normal")]


@pytest.fixture
def batch():
    """Four images of two patients, as a loader collates them."""
    return default_collate(
        [
            {
                **with_levels({"case": f"c{i}", "patient": patient, "laterality": side, "pathology": pathology}),
                "image": torch.full((2, 4, 4), float(i)),
            }
            for i, (patient, side, pathology) in enumerate(VIEWS)
        ]
    )


def test_the_target_is_the_pathology_and_the_groups_counted_in_the_batch(batch):
    image, target = PrepareLevels()(batch, torch.device("cpu"))
    assert torch.equal(image, batch["image"])
    assert target.dtype == torch.long
    assert target.tolist() == [[2, 0, 0], [1, 1, 1], [0, 2, 0], [0, 0, 0]]


def test_it_is_what_the_loss_takes(batch):
    _, target = PrepareLevels()(batch)
    pred = torch.zeros(4, 3)
    # every logit is 0, so every loss is log 2, at all levels
    assert float(MultiLevelLoss(1.0, 1.0, 1.0)(pred, target)) == pytest.approx(3 * torch.log(torch.tensor(2.0)).item())
    sure = torch.tensor([[9.0, 0, 0], [-9.0, 0, 0], [-9.0, 0, 0], [9.0, 0, 0]])
    assert float(MultiLevelLoss(0.0, 1.0, 0.0)(sure, target)) < 0.01  # the two views of the right breast agree


def test_the_batch_goes_to_the_device_that_is_asked_for(batch):
    image, target = PrepareLevels()(batch, "meta")
    assert (image.device.type, target.device.type) == ("meta", "meta")
