from __future__ import annotations

import numpy as np
import pytest
import torch

from vdes.metrics.contrast import LesionContrastMetric, lesion_contrast
from vdes.metrics.correlation import CorrelationMetric, correlation
from vdes.metrics.mean_absolute_error import MeanAbsoluteErrorMetric, mean_absolute_error
from vdes.metrics.psnr import PSNRMetric, psnr
from vdes.metrics.roc import LesionROCAreaMetric, lesion_roc_area
from vdes.metrics.ssim import SSIMMetric, ssim
from vdes.metrics.vif import VIFMetric, vif

FIDELITY = [
    (MeanAbsoluteErrorMetric, mean_absolute_error),
    (PSNRMetric, psnr),
    (SSIMMetric, ssim),
    (VIFMetric, vif),
    (CorrelationMetric, correlation),
]


@pytest.fixture()
def batch(textured, half) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Three pairs; the third has no region."""
    y = textured(1, batch=3)
    mask = half(y, 50)
    mask[2] = False
    return textured(0, batch=3), y, mask


@pytest.mark.parametrize(("metric", "function"), FIDELITY)
def test_a_metric_keeps_its_functions_scores_and_leaves_nan_out(batch, metric, function):
    y_pred, y, mask = batch
    expected = function(y_pred, y, mask)
    accumulated = metric()
    assert accumulated(y_pred[:1], y[:1], mask=mask[:1]).tolist() == [[pytest.approx(expected[0].item())]]
    accumulated(list(y_pred[1:]), list(y[1:]), mask=list(mask[1:]))
    assert accumulated.get_buffer().numpy() == pytest.approx(expected.numpy(), nan_ok=True)
    assert accumulated.aggregate().item() == pytest.approx(expected[:2].mean().item(), rel=1e-6)
    accumulated.reset()
    assert len(accumulated) == 0


@pytest.mark.parametrize(("metric", "function"), FIDELITY)
def test_without_a_mask_it_is_the_whole_image(batch, metric, function):
    y_pred, y, _ = batch
    expected = function(y_pred, y).numpy()
    assert metric()(y_pred, y).numpy() == pytest.approx(expected)
    assert metric()(list(y_pred), list(y)).numpy() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "function"), [(LesionContrastMetric, lesion_contrast), (LesionROCAreaMetric, lesion_roc_area)]
)
def test_a_contrast_metric_takes_the_lesion_as_reference_and_the_breast_as_mask(textured, half, metric, function):
    image = textured(0, batch=2)
    lesion, breast = torch.zeros_like(image), half(image, 40)
    lesion[..., 20:40, 30:38] = 1
    scores = metric(ring_width=0.1)(image, lesion, mask=breast)
    assert scores.numpy() == pytest.approx(function(image, lesion, breast, 0.1).numpy())
    assert scores.numpy() != pytest.approx(function(image, lesion, None, 0.1).numpy())


@pytest.mark.parametrize("metric", [MeanAbsoluteErrorMetric, PSNRMetric, SSIMMetric, VIFMetric])
def test_the_data_range_reaches_the_function(batch, metric):
    y_pred, y, _ = batch
    assert metric(data_range=255)(255 * y_pred, 255 * y).numpy() == pytest.approx(
        metric()(y_pred, y).numpy() * (255 if metric is MeanAbsoluteErrorMetric else 1)
    )


def test_regions_are_reduced_one_by_one_with_mean_batch(batch):
    y_pred, y, mask = batch
    metric = PSNRMetric(reduction="mean_batch", get_not_nans=True)
    metric(y_pred, y, mask=torch.cat([torch.ones_like(mask), mask], dim=1))
    means, counts = metric.aggregate()
    scores = psnr(y_pred, y, torch.cat([torch.ones_like(mask), mask], dim=1))
    assert means.numpy() == pytest.approx(np.nanmean(scores.numpy(), axis=0))
    assert counts.tolist() == [3, 2]


def test_where_no_image_has_the_region_the_mean_is_nan_and_not_zero(batch):
    y_pred, y, mask = batch
    metric = PSNRMetric()
    metric(y_pred, y, mask=torch.zeros_like(mask))
    assert torch.isnan(metric.aggregate()).all()
