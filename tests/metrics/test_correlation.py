from __future__ import annotations

import pytest
import torch
from scipy.stats import pearsonr

from vdes.metrics.correlation import correlation


def test_it_is_that_of_scipy_over_image_and_region(textured, half):
    y_pred, y = textured(0), textured(0) + 0.5 * textured(1)
    assert correlation(y_pred, y).item() == pytest.approx(pearsonr(y_pred.ravel(), y.ravel()).statistic)
    expected = pearsonr(y_pred[..., :25].ravel(), y[..., :25].ravel()).statistic
    assert correlation(y_pred, y, half(y, 25)).item() == pytest.approx(expected)


def test_level_and_gain_do_not_count(textured):
    y = textured(0)
    assert correlation(0.1 + 3 * y, y).item() == pytest.approx(1)
    assert correlation(-y, y).item() == pytest.approx(-1)


def test_a_constant_has_none(textured, half):
    y = textured(0)
    for level in (0.0, 0.1, 0.45, 1 / 3):  # not even one whose mean is rounded away from it
        assert torch.isnan(correlation(torch.full_like(y, level), y)).all()
        assert torch.isnan(correlation(y, torch.full_like(y, level))).all()
    assert torch.isnan(correlation(y, y, half(y, 0))).all()
