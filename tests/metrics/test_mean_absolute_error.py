from __future__ import annotations

import numpy as np
import pytest
import torch

from vdes.metrics.mean_absolute_error import mean_absolute_error


def test_over_the_image_and_over_a_region(textured, half):
    y_pred, y = textured(0, batch=2), textured(1, batch=2)
    difference = np.abs(y_pred.numpy() - y.numpy())
    assert mean_absolute_error(y_pred, y).tolist() == pytest.approx(difference.mean(axis=(2, 3)), abs=1e-15)
    assert mean_absolute_error(y_pred, y, half(y, 20)).numpy() == pytest.approx(difference[..., :20].mean(axis=(2, 3)))


def test_a_shift_is_the_error_in_every_region(textured, half):
    y = textured(0)
    masks = torch.cat([half(y, 30), half(y, 5), half(y, 0)], dim=1)
    error = mean_absolute_error(y - 0.25, y, masks)[0]
    assert error[:2].tolist() == pytest.approx([0.25, 0.25])
    assert torch.isnan(error[2])


def test_eight_bit_images_in_float_have_their_own_range(textured):
    y = 255 * textured(0)
    assert mean_absolute_error(y + 3, y, data_range=255).item() == pytest.approx(3)
