from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics.regression import PSNRMetric as MonaiPSNRMetric
from skimage.metrics import peak_signal_noise_ratio

from vdes.errors import InputError
from vdes.metrics.psnr import psnr


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_over_the_image_it_is_that_of_scikit_image_and_monai(textured, data_range):
    y_pred, y = data_range * textured(0), data_range * textured(1)
    expected = peak_signal_noise_ratio(y.numpy(), y_pred.numpy(), data_range=data_range)
    assert psnr(y_pred, y, data_range=data_range).item() == pytest.approx(expected, abs=1e-10)
    monai = MonaiPSNRMetric(max_val=data_range)(y_pred, y).item()
    assert psnr(y_pred, y, data_range=data_range).item() == pytest.approx(monai, abs=1e-5)


def test_over_a_region_it_is_that_of_its_pixels(textured, half):
    y_pred, y = textured(0), textured(1)
    expected = peak_signal_noise_ratio(y[..., :17].numpy(), y_pred[..., :17].numpy(), data_range=1.0)
    assert psnr(y_pred, y, half(y, 17)).item() == pytest.approx(expected, abs=1e-10)


def test_an_error_of_a_tenth_is_twenty_decibels_whatever_the_image_holds():
    for level in (0.0, 0.1, 0.9):
        y = torch.full((1, 1, 8, 8), level, dtype=torch.float64)
        assert psnr(y + 0.1, y).item() == pytest.approx(20)


def test_exact_is_infinite_and_empty_is_nan(textured, half):
    y = textured(0)
    exact, empty = psnr(y, y, torch.cat([half(y, 9), half(y, 0)], dim=1))[0]
    assert exact == np.inf
    assert np.isnan(empty)


def test_bytes_that_would_wrap_around_are_refused(textured):
    y = (255 * textured(0)).to(torch.uint8)
    with pytest.raises(InputError, match=r"expected floats, got torch\.uint8"):
        psnr(y, y, data_range=255)
