from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from vdes.errors import InputError
from vdes.metrics.constant_level import constant_level


@pytest.fixture()
def items(textured, half):
    images = textured(0, batch=3) * torch.tensor([0.5, 0.8, 1.0]).view(3, 1, 1, 1)
    return [
        {"case": f"P{i}_R_MLO", "label": image, "breast_mask": half(image, columns)}
        for i, (image, columns) in enumerate(zip(images, (5, 30, 72), strict=True))
    ]


def test_it_is_the_constant_with_the_least_error_an_image(items):
    def error(level: float) -> float:
        return float(np.mean([(item["label"][item["breast_mask"]] - level).square().mean() for item in items]))

    assert constant_level(items) == pytest.approx(minimize_scalar(error, bracket=(0, 1)).x, abs=1e-6)


def test_every_image_weighs_the_same(items):
    means = [item["label"][item["breast_mask"]].mean().item() for item in items]
    assert constant_level(iter(items)) == pytest.approx(np.mean(means))


def test_bad_input_is_named(items):
    with pytest.raises(InputError, match="training: no case"):
        constant_level([])
    with pytest.raises(InputError, match=r"case P0_R_MLO: no key `label`, only breast_mask, case"):
        constant_level([{key: items[0][key] for key in ("case", "breast_mask")}])
    items[1]["breast_mask"] = torch.zeros_like(items[1]["breast_mask"])
    with pytest.raises(InputError, match="case P1_R_MLO: breast_mask: no pixel"):
        constant_level(items)
