from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from vdes.errors import InputError
from vdes.metrics.regions import check_image, check_mask, check_pair, region_means

IMAGE = torch.full((2, 1, 4, 5), 0.5)


def test_region_means_are_those_of_numpy_and_nan_where_empty():
    values = np.random.default_rng(0).random((2, 4, 5))
    regions = np.zeros((2, 3, 4, 5), dtype=bool)
    regions[:, 0] = True
    regions[1, 1, 2:, 1:3] = True
    means = region_means(values, regions)
    assert means[:, 0].tolist() == pytest.approx(values.mean(axis=(1, 2)).tolist())
    assert means[1, 1] == pytest.approx(values[1, 2:, 1:3].mean())
    assert np.isnan([means[0, 1], means[0, 2], means[1, 2]]).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_images_come_back_in_float64_without_metadata(dtype):
    array = check_image("y", MetaTensor(IMAGE.to(dtype)))
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    assert array.shape == (2, 4, 5)
    assert (array == 0.5).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(2, 1, 4, 5, dtype=torch.uint8), "y_pred: expected floats, got torch.uint8"),
        (torch.zeros(2, 4, 5), r"y_pred: expected the shape \(B, 1, H, W\), got \(2, 4, 5\)"),
        (torch.zeros(2, 3, 4, 5), r"y_pred: expected the shape \(B, 1, H, W\)"),
        (torch.full((2, 1, 4, 5), torch.nan), "y_pred: holds NaN or infinite values"),
        (torch.full((2, 1, 4, 5), torch.inf), "y_pred: holds NaN or infinite values"),
        (torch.zeros(2, 1, 4, 6), "y_pred and y: sizes differ"),
    ],
)
def test_a_bad_prediction_is_named(image, message):
    with pytest.raises(InputError, match=message):
        check_pair(image, IMAGE, None, 1.0)


@pytest.mark.parametrize("reference", [2 * IMAGE - 1.5, 255 * IMAGE])
def test_a_reference_outside_its_fixed_range_is_refused(reference):
    with pytest.raises(InputError, match=r"are outside \[0, 1\]"):
        check_pair(IMAGE, reference, None, 1.0)
    check_pair(IMAGE, reference, None)


def test_a_prediction_may_overshoot():
    assert check_pair(IMAGE + 0.7, IMAGE, None, 1.0).y_pred.max() == pytest.approx(1.2)


def test_a_data_range_must_be_positive():
    with pytest.raises(InputError, match="data_range: expected a positive number, got 0"):
        check_pair(IMAGE, IMAGE, None, 0)


def test_masks_of_any_dtype_and_none_are_booleans():
    for mask in (torch.ones(2, 3, 4, 5), torch.ones(2, 3, 4, 5, dtype=torch.uint8), np.ones((2, 3, 4, 5), dtype=bool)):
        checked = check_mask("mask", mask, (2, 4, 5))
        assert checked.dtype == bool
        assert checked.all()
    assert check_mask("mask", None, (2, 4, 5)).shape == (2, 1, 4, 5)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.full((2, 1, 4, 5), 0.5), "mask: expected 0 and 1 only, got 0.5"),
        (torch.full((2, 1, 4, 5), 255), "mask: expected 0 and 1 only, got 255"),
        (torch.ones(2, 1, 5, 4), "mask: expected the shape"),
        (torch.ones(1, 1, 4, 5), "mask: expected the shape"),
        (torch.ones(2, 4, 5), "mask: expected the shape"),
    ],
)
def test_a_bad_mask_is_named(mask, message):
    with pytest.raises(InputError, match=message):
        check_mask("mask", mask, (2, 4, 5))
