from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import convolve2d

from vdes.errors import InputError
from vdes.metrics.vif import vif


def gaussian(size: int) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] - size // 2
    window = np.exp(-(rows**2 + columns**2) / (2 * (size / 5) ** 2))
    return window / window.sum()


def vif_by_windows(distorted: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """VIF of one pair by explicit windows and centred moments, 2-D convolutions and a list of window centres."""
    x, y = 255 * reference, 255 * distorted
    rows, columns = (np.arange(n, dtype=float) for n in x.shape)  # where each sample is in the full image
    numerator = denominator = 0.0
    for scale, size in enumerate((17, 9, 5, 3)):
        weight, reach = gaussian(size), size // 2
        if scale:
            x, y = (convolve2d(image, weight, mode="valid")[::2, ::2] for image in (x, y))
            rows, columns = (axis[reach:-reach][::2] for axis in (rows, columns))
        patches_x, patches_y = (sliding_window_view(image, (size, size)) for image in (x, y))
        centred_x, centred_y = (p - (weight * p).sum(axis=(2, 3), keepdims=True) for p in (patches_x, patches_y))
        variance_x, variance_y, covariance = (
            (weight * product).sum(axis=(2, 3)) for product in (centred_x**2, centred_y**2, centred_x * centred_y)
        )
        gain = np.maximum(covariance, 0) / variance_x
        noise = np.where(covariance > 0, variance_y - gain * covariance, variance_y)
        inside = mask[np.ix_(rows[reach:-reach].astype(int), columns[reach:-reach].astype(int))]
        numerator += np.log2(1 + gain**2 * variance_x / (noise + 2))[inside].sum()
        denominator += np.log2(1 + variance_x / 2)[inside].sum()
    return numerator / denominator


def test_it_is_that_of_a_second_implementation_over_image_and_region(textured):
    y, other = textured(1, (72, 85)), textured(2, (72, 85))
    mask = torch.zeros_like(y, dtype=torch.bool)
    mask[..., 15:60, 22:70] = True
    whole = torch.ones_like(mask)
    for y_pred in (0.7 * y + 0.3 * other, 1 - y, other):
        scores = vif(y_pred, y, torch.cat([whole, mask], dim=1))[0]
        for score, region in zip(scores, (whole, mask), strict=True):
            expected = vif_by_windows(y_pred[0, 0].numpy(), y[0, 0].numpy(), region[0, 0].numpy())
            assert score.item() == pytest.approx(expected, rel=1e-9)
        assert vif(y_pred, y).item() == pytest.approx(scores[0].item(), rel=1e-14)


def test_identical_images_score_one_whatever_their_level(textured):
    y = 0.5 * textured(0)
    assert vif(y, y).item() == pytest.approx(1, abs=1e-9)
    assert vif(y + 0.3, y).item() == pytest.approx(1, abs=1e-9)


def test_more_contrast_scores_above_one_and_faint_contrast_the_gain_squared(textured):
    y = textured(0)
    assert vif(1.5 * y, y).item() > 1
    assert vif(0.5 * y, y).item() < 1
    faint = 0.5 + 4e-4 * (y - 0.5)  # variance far under the channel's noise: log(1 + x) is x
    for gain in (0.5, 1.5, 2.0):
        assert vif(0.5 + gain * (faint - 0.5), faint).item() == pytest.approx(gain**2, rel=1e-2)


def test_the_stated_range_decides_the_scale_of_the_noise(textured):
    y_pred, y = textured(0), textured(1)
    assert vif(255 * y_pred, 255 * y, data_range=255).item() == pytest.approx(vif(y_pred, y).item(), rel=1e-12)
    assert vif(y_pred, y, data_range=2).item() != pytest.approx(vif(y_pred, y).item(), rel=1e-2)


def test_what_is_far_from_a_region_does_not_count(textured, half):
    y = textured(0, (64, 160))
    y_pred = y.clone()
    y_pred[..., 120:] = 0.5
    assert vif(y_pred, y, half(y, 70)).item() == pytest.approx(1, abs=1e-9)
    assert vif(y_pred, y).item() < 0.9


def test_a_flat_prediction_tells_nothing_and_a_flat_reference_is_undefined(textured, half):
    y = textured(0)
    flat = torch.full_like(y, 0.5)
    assert vif(flat, y).item() == pytest.approx(0, abs=1e-9)
    assert torch.isnan(vif(y, flat)).all()
    assert torch.isnan(vif(y, y, half(y, 0))).all()


def test_the_smallest_image_has_a_window_at_every_scale(textured):
    y = textured(0, (41, 41))
    assert vif(y, y).item() == pytest.approx(1, abs=1e-9)
    with pytest.raises(InputError, match="at least 41 pixels a side"):
        vif(y[..., :40], y[..., :40])
