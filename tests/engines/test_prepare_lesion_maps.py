from __future__ import annotations

import torch
from torch.utils.data import default_collate

from vdes.data.levels import with_levels
from vdes.engines.prepare_lesion_maps import PrepareLesionMaps
from vdes.losses.lesion_map_loss import LesionMapLoss
from vdes.losses.multi_level_loss import MultiLevelLoss


def test_the_trainer_gets_images_both_targets_and_asks_for_maps(small_classifier):
    items = [
        {
            **with_levels({"case": f"c{i}", "patient": f"P{i}", "laterality": "L", "pathology": pathology}),
            "image": torch.full((2, 64, 64), 0.5),
            "lesion_map": torch.full((2, 64, 64), float(i)),
        }
        for i, pathology in enumerate(("benign", "malignant"))
    ]
    image, target, args, kwargs = PrepareLesionMaps()(default_collate(items), torch.device("cpu"))
    levels, lesions = target["levels"], target["lesion_map"]
    assert image.shape == lesions.shape == (2, 2, 64, 64)
    assert levels.tolist() == [[1, 0, 0], [2, 1, 1]]
    assert lesions[:, 0, 0, 0].tolist() == [0.0, 1.0]
    assert args == ()
    # as a trainer does with them
    output = small_classifier().train()(image, *args, **kwargs)
    assert bool(LesionMapLoss(MultiLevelLoss())(output, target).isfinite())
