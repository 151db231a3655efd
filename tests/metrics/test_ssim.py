from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics.regression import SSIMMetric as MonaiSSIMMetric
from skimage.metrics import structural_similarity

from vdes.errors import InputError
from vdes.metrics.ssim import ssim


def window_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """SSIM of one 11 x 11 window by the paper's formula, with centred moments."""
    ramp = np.exp(-np.square(np.arange(-5, 6)) / (2 * 1.5**2))
    weight = np.outer(ramp, ramp) / ramp.sum() ** 2
    mean_x, mean_y = (weight * x).sum(), (weight * y).sum()
    variance_x, variance_y = (weight * (x - mean_x) ** 2).sum(), (weight * (y - mean_y) ** 2).sum()
    covariance = (weight * (x - mean_x) * (y - mean_y)).sum()
    luminance = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    return luminance * (2 * covariance + 9e-4) / (variance_x + variance_y + 9e-4)


def test_over_the_image_it_is_that_of_scikit_image_and_monai(textured):
    y_pred, y = textured(0, batch=2), textured(1, batch=2)
    scores = ssim(y_pred, y)
    for i in range(2):
        expected = structural_similarity(
            y[i, 0].numpy(),
            y_pred[i, 0].numpy(),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert scores[i].item() == pytest.approx(expected, abs=1e-12)
    # MONAI's map is float32
    assert scores.numpy() == pytest.approx(MonaiSSIMMetric(spatial_dims=2)(y_pred, y).numpy(), abs=1e-5)


def test_over_a_region_it_is_the_mean_of_the_windows_centred_on_its_pixels(textured):
    y_pred, y = textured(0), textured(1)
    mask = torch.zeros_like(y)
    centres = [(5, 5), (20, 31), (58, 66), (40, 12)]
    for row, column in centres:
        mask[..., row, column] = 1
    mask[..., 4, 30] = 1  # its window reaches out of the image: left out
    windows = [np.s_[0, 0, row - 5 : row + 6, column - 5 : column + 6] for row, column in centres]
    expected = np.mean([window_ssim(y_pred.numpy()[w], y.numpy()[w]) for w in windows])
    assert ssim(y_pred, y, mask).item() == pytest.approx(expected, abs=1e-12)


def test_the_mask_of_everything_is_the_whole_image(textured):
    y_pred, y = textured(0), textured(1)
    assert ssim(y_pred, y, torch.ones_like(y)).item() == pytest.approx(ssim(y_pred, y).item(), abs=1e-14)


def test_flat_bright_images_do_not_lose_their_digits():
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(level + 1e-3 * rng.random((1, 1, 32, 32))) for level in (0.9, 0.93))
    windows = [(row, column) for row in range(22) for column in range(22)]
    expected = np.mean([window_ssim(*(i.numpy()[0, 0, r : r + 11, c : c + 11] for i in (x, y))) for r, c in windows])
    assert ssim(x, y).item() == pytest.approx(expected, abs=1e-9)


def test_two_levels_have_the_luminance_term_only():
    x, y = (torch.full((1, 1, 16, 16), level, dtype=torch.float64) for level in (0.4, 0.6))
    assert ssim(x, y).item() == pytest.approx((2 * 0.24 + 1e-4) / (0.16 + 0.36 + 1e-4))


def test_a_region_at_the_border_and_a_small_image(textured):
    y = textured(0)
    mask = torch.zeros_like(y)
    mask[..., :5, :] = 1
    assert torch.isnan(ssim(y, y, mask)).all()
    with pytest.raises(InputError, match="at least 11 x 11"):
        ssim(y[..., :10, :], y[..., :10, :])
