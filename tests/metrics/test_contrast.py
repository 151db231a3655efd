from __future__ import annotations

import numpy as np
import pytest
import torch

from vdes.metrics.contrast import lesion_contrast
from vdes.metrics.lesion_ring import lesion_and_ring


def scene(lesion_level: float = 0.8) -> tuple[torch.Tensor, torch.Tensor]:
    """A checkerboard of .4 and .6 with an even lesion; its ring has the mean .5 and the deviation .1."""
    image = torch.from_numpy(0.4 + 0.2 * (np.indices((100, 80)).sum(axis=0) % 2)).view(1, 1, 100, 80)
    lesion = torch.zeros_like(image)
    lesion[..., 40:60, 30:50] = 1
    image[lesion > 0] = lesion_level
    return image, lesion


def test_the_difference_of_means_over_the_deviation_of_the_ring():
    for level, expected in ((0.8, 3.0), (0.5, 0.0), (0.2, -3.0)):
        assert lesion_contrast(*scene(level)).item() == pytest.approx(expected, abs=0.02)


def test_the_deviation_is_that_of_the_rings_pixels(textured):
    image, lesion = textured(0, (100, 80)), scene()[1]
    [(inside, ring)] = lesion_and_ring(image, lesion)
    expected = (inside.mean() - ring.mean()) / np.sqrt(np.mean((ring - ring.mean()) ** 2))
    assert lesion_contrast(image, lesion).item() == pytest.approx(expected, rel=1e-12)


def test_it_does_not_change_with_level_and_gain():
    image, lesion = scene()
    expected = lesion_contrast(image, lesion).item()
    assert lesion_contrast(0.1 + 0.3 * image, lesion).item() == pytest.approx(expected)


def test_only_the_ring_counts_as_noise():
    image, lesion = scene()
    expected = lesion_contrast(image, lesion).item()
    image[..., :30, :] = 0
    assert lesion_contrast(image, lesion).item() == pytest.approx(expected)
    assert lesion_contrast(image, lesion, ring_width=0.3).item() != pytest.approx(expected, rel=0.1)


def test_it_is_undefined_without_a_lesion_or_without_noise():
    image, lesion = scene()
    nothing, flat = torch.zeros_like(lesion), torch.full_like(image, 0.3)
    assert torch.isnan(lesion_contrast(image, nothing)).all()
    assert torch.isnan(lesion_contrast(flat, lesion)).all()
    assert torch.isnan(lesion_contrast(image, lesion, breast_mask=lesion)).all()
    assert torch.isnan(lesion_contrast(image, lesion, breast_mask=nothing)).all()
