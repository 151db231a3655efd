from __future__ import annotations

import pytest
import torch
from scipy.stats import mannwhitneyu

from vdes.metrics.lesion_ring import lesion_and_ring
from vdes.metrics.roc import lesion_roc_area


@pytest.fixture()
def lesion(textured) -> torch.Tensor:
    mask = torch.zeros(textured(0).shape)
    mask[..., 20:40, 30:45] = 1
    return mask


def test_it_is_the_rank_sum_of_scipy(textured, lesion):
    image = textured(0) + 0.05 * lesion
    [(inside, ring)] = lesion_and_ring(image, lesion)
    expected = mannwhitneyu(inside, ring).statistic / (len(inside) * len(ring))
    assert 0.5 < lesion_roc_area(image, lesion).item() == pytest.approx(expected)


def test_the_grey_scale_does_not_count(textured, lesion):
    image = textured(0)
    assert lesion_roc_area(image**3, lesion).item() == pytest.approx(lesion_roc_area(image, lesion).item())
    assert lesion_roc_area(-image, lesion).item() == pytest.approx(1 - lesion_roc_area(image, lesion).item())


def test_apart_alike_and_undefined(textured, lesion):
    image = textured(0)
    assert lesion_roc_area(image + 2 * lesion, lesion).item() == 1
    assert lesion_roc_area(torch.zeros_like(image), lesion).item() == 0.5
    assert torch.isnan(lesion_roc_area(image, torch.zeros_like(lesion))).all()
    assert torch.isnan(lesion_roc_area(image, lesion, breast_mask=lesion)).all()
