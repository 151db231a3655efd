from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from vdes.errors import InputError
from vdes.losses.virtual_des_loss import VirtualDesLoss, correlation, uniform_ssim

TERMS = ("l1_weight", "l2_weight", "ssim_weight", "correlation_weight", "lesion_weight")
ONLY = dict.fromkeys(TERMS, 0.0)


def textured(seed: int, shape: tuple[int, ...] = (2, 1, 64, 52)) -> torch.Tensor:
    noise = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(np.clip(0.5 + 0.8 * gaussian_filter(noise, (0, 0, 1.5, 1.5)), 0, 1)).float()


def target(
    des: torch.Tensor, lesion: torch.Tensor | None = None, breast: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    lesion = torch.zeros_like(des) if lesion is None else lesion
    return des, lesion, torch.ones_like(des) if breast is None else breast


def test_a_perfect_image_costs_nothing():
    loss = VirtualDesLoss(**dict.fromkeys(TERMS, 1.0))
    image = textured(0)
    assert float(loss(image, *target(image, (image > 0.6).float()))) == pytest.approx(0.0, abs=1e-6)


def test_absolute_and_squared_error_of_a_known_difference():
    des = textured(0)
    pred = des.clone()
    pred[:, :, :16] += 0.2  # a quarter of the rows
    pred[:, :, 16:32] -= 0.4  # and another
    assert float(VirtualDesLoss(**ONLY | {"l1_weight": 3.0})(pred, *target(des))) == pytest.approx(3 * 0.15)
    squared = float(VirtualDesLoss(**ONLY | {"l2_weight": 5.0})(pred, *target(des)))
    assert squared == pytest.approx(5 * (0.04 + 0.16) / 4)


def test_the_lesion_term_is_the_mean_over_the_lesion_pixels_of_the_batch():
    des, lesion = textured(0), torch.zeros(2, 1, 64, 52)
    lesion[0, :, 10:20, 10:20] = 1  # 100 pixels in one image
    lesion[1, :, 30:50, 30:45] = 1  # 300 in the other
    pred = des.clone()
    pred[0] += 0.1
    pred[1] -= 0.5
    loss = VirtualDesLoss(**ONLY | {"lesion_weight": 2.0})
    assert float(loss(pred, *target(des, lesion))) == pytest.approx(2 * (100 * 0.1 + 300 * 0.5) / 400)
    assert float(loss(pred, *target(des))) == 0.0


@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_ssim_is_that_of_scikit_image_at_every_fourth_window(noise):
    x = textured(0)
    y = (x + noise * (textured(1) - 0.5)).clamp(0, 1)
    expected = []
    for one, other in zip(x.double().numpy(), y.double().numpy(), strict=True):
        _, full = structural_similarity(
            one[0], other[0], win_size=11, full=True, data_range=1.0, use_sample_covariance=False
        )
        # windows that lie inside: their centres are 5 pixels and more from the border
        expected.append(full[5:-5:4, 5:-5:4].mean())
    assert expected[0] < 1
    assert float(uniform_ssim(x, y)) == pytest.approx(np.mean(expected), abs=1e-4)
    loss = VirtualDesLoss(**ONLY | {"ssim_weight": 0.5})(x, *target(y))
    assert float(loss) == pytest.approx(0.5 * (1 - np.mean(expected)), abs=1e-4)


def test_ssim_of_even_images_is_the_luminance_term():
    a, b = 0.3, 0.5
    even = torch.ones(1, 1, 32, 32)
    expected = (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)
    # the variances, differences of like numbers, are 0 to within 1e-7, beside the constant 9e-4
    assert float(uniform_ssim(a * even, b * even)) == pytest.approx(expected, abs=1e-3)


def test_the_correlation_is_numpys_over_the_breast_of_each_image():
    x, y, breast = textured(0), textured(1), torch.zeros(2, 1, 64, 52)
    y = 0.5 * x + 0.5 * y
    breast[0, :, :40, :30] = 1
    breast[1, :, 20:, :45] = 1
    expected = [
        np.corrcoef(a[inside].numpy(), b[inside].numpy())[0, 1]
        for a, b, inside in zip(x, y, breast.bool(), strict=True)
    ]
    assert expected[0] != pytest.approx(expected[1], abs=1e-3)
    assert float(correlation(x, y, breast)) == pytest.approx(np.mean(expected), abs=1e-5)
    loss = VirtualDesLoss(**ONLY | {"correlation_weight": 2.0})(x, *target(y, breast=breast))
    assert float(loss) == pytest.approx(2 * (1 - np.mean(expected)), abs=1e-5)


def test_the_correlation_term_does_not_see_level_and_gain():
    des = textured(0)
    loss = VirtualDesLoss(**ONLY | {"correlation_weight": 1.0})
    assert float(loss(0.4 * des + 0.3, *target(des))) == pytest.approx(0.0, abs=1e-5)
    assert float(loss(-des, *target(des))) == pytest.approx(2.0, abs=1e-5)


def test_an_even_prediction_has_no_correlation_and_a_finite_gradient():
    des, pred = textured(0), torch.full((2, 1, 64, 52), 0.4, requires_grad=True)
    loss = VirtualDesLoss(**ONLY | {"correlation_weight": 1.0})(pred, *target(des, breast=torch.zeros_like(des)))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1.0)
    assert bool(torch.isfinite(pred.grad).all())


def test_the_terms_add_up():
    des, pred, lesion = textured(0), textured(1), (textured(2) > 0.6).float()
    weights = dict(zip(TERMS, (1.5, 2.0, 0.3, 0.4, 0.7), strict=True))
    whole = VirtualDesLoss(**weights)(pred, *target(des, lesion))
    parts = sum(VirtualDesLoss(**ONLY | {name: weight})(pred, *target(des, lesion)) for name, weight in weights.items())
    torch.testing.assert_close(whole, parts)


def test_the_gradient_of_the_absolute_error_is_its_sign():
    des, pred = textured(0), textured(1).requires_grad_()
    VirtualDesLoss(**ONLY | {"l1_weight": 1.0})(pred, *target(des)).backward()
    torch.testing.assert_close(pred.grad, torch.sign(pred.detach() - des) / des.numel())


@pytest.mark.parametrize("name", ["l1_weight", "l2_weight", "ssim_weight", "correlation_weight"])
def test_descent_along_the_gradient_leads_to_the_target(name):
    des, pred = textured(0), textured(1).requires_grad_()
    loss = VirtualDesLoss(**ONLY | {name: 1.0})
    optimizer = torch.optim.Adam([pred], lr=0.02)
    first = float(loss(pred.detach(), *target(des)))
    for _ in range(60):
        optimizer.zero_grad()
        loss(pred, *target(des)).backward()
        assert bool(torch.isfinite(pred.grad).all())
        optimizer.step()
    assert float(loss(pred.detach(), *target(des))) < 0.2 * first


def test_the_lesion_term_pulls_at_lesion_pixels_alone():
    des, pred, lesion = textured(0), textured(1).requires_grad_(), torch.zeros(2, 1, 64, 52)
    lesion[0, :, 10:20, 10:20] = 1
    VirtualDesLoss(**ONLY | {"lesion_weight": 1.0})(pred, *target(des, lesion)).backward()
    assert torch.equal(pred.grad != 0, (lesion > 0) & (pred.detach() != des))


def test_a_prediction_in_bfloat16_is_compared_in_single_precision():
    des, pred = textured(0), textured(1).bfloat16()
    loss = VirtualDesLoss()(pred, *target(des))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, VirtualDesLoss()(pred.float(), *target(des)))


@pytest.mark.parametrize("weights", [ONLY, {"l1_weight": -1.0}, {"lesion_weight": -math.inf}])
def test_weights_below_zero_or_all_zero_are_refused(weights):
    with pytest.raises(InputError, match="expected weights of 0 or more, and one above 0"):
        VirtualDesLoss(**weights)


def test_a_mask_that_is_missing_or_of_another_size_is_refused():
    des = textured(0)
    assert float(VirtualDesLoss()(des, des)) == pytest.approx(0.0, abs=1e-6)  # no term of it needs a mask
    for name in ("lesion", "correlation"):
        with pytest.raises(InputError, match=f"loss: {name}_weight is 0.5; expected a mask for it, got none"):
            VirtualDesLoss(**{f"{name}_weight": 0.5})(des, des)
    with pytest.raises(InputError, match=r"breast_mask: shape \(2, 1, 32, 52\); expected that of pred, \(2, 1, 64"):
        VirtualDesLoss(correlation_weight=1.0)(des, des, breast_mask=torch.ones(2, 1, 32, 52))
    with pytest.raises(InputError, match=r"des: shape \(2, 3, 64, 52\); expected that of pred"):
        VirtualDesLoss()(des, torch.cat([des, des, des], dim=1))
