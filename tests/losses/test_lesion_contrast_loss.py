from __future__ import annotations

import numpy as np
import pytest
import torch

from vdes.errors import InputError
from vdes.losses.lesion_contrast_loss import LesionContrastLoss
from vdes.metrics.lesion_table import lesion_rows

SHAPE = (2, 1, 96, 72)


def box(top: int, left: int, side: int) -> torch.Tensor:
    mask = torch.zeros(SHAPE)
    mask[..., top : top + side, left : left + side] = 1
    return mask


BREAST = torch.zeros(SHAPE)
BREAST[..., 4:90, :64] = 1
DRAWN, ON_DES = box(40, 20, 8) + box(60, 40, 5), box(42, 20, 8)


@pytest.fixture()
def des() -> torch.Tensor:
    noise = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0))
    return (0.3 + 0.1 * noise + 0.3 * ON_DES) * BREAST


def contrasts(image: torch.Tensor, des: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the contrasts of all lesions in an image and in the real DES, by the metric."""
    rows = [
        row
        for case in range(len(des))
        for row in lesion_rows("c", "p", des[case], {"v": image[case]}, BREAST[case], DRAWN[case], ON_DES[case])
        if row["place"] == "lesion"
    ]
    return np.array([row["v"] for row in rows]), np.array([row["real_des"] for row in rows])


def test_too_little_contrast_is_penalised_by_what_the_metric_says(des):
    pale = des - 0.2 * DRAWN * BREAST
    shown, real = contrasts(pale, des)
    assert (shown < real).any()
    expected = 2 * (np.maximum(real - shown, 0) ** 2).mean()
    loss = LesionContrastLoss(lesion_weight=2.0, elsewhere_weight=0.0)
    assert float(loss(pale, des, DRAWN, ON_DES, BREAST)) == pytest.approx(expected, rel=1e-2)


def test_more_contrast_than_the_real_one_costs_nothing(des):
    strong = des + 0.5 * DRAWN
    assert (contrasts(strong, des)[0] > contrasts(strong, des)[1]).all()
    loss = LesionContrastLoss(1.0, elsewhere_weight=0.0)
    assert float(loss(strong, des, DRAWN, ON_DES, BREAST)) == 0


def test_level_and_gain_do_not_matter(des):
    loss = LesionContrastLoss(1.0, 1.0)
    torch.manual_seed(3)
    assert float(loss(0.5 * des + 0.2, des, DRAWN, DRAWN, BREAST)) < 1e-3  # an SD of 0 is kept finite


def test_contrast_elsewhere_is_penalised_and_drawn_by_torchs_random_state(des):
    noise = torch.rand(SHAPE, generator=torch.Generator().manual_seed(5))
    other = des + 0.3 * noise * BREAST
    loss = LesionContrastLoss(0.0, 1.0)

    def drawn(seed: int) -> float:
        torch.manual_seed(seed)
        return float(loss(other, des, DRAWN, ON_DES, BREAST))

    assert drawn(0) > 0
    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


def test_descent_raises_the_contrast_of_lesions_alone(des):
    flat = (0.3 * BREAST + 0.01 * torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))).requires_grad_()
    before = contrasts(flat.detach(), des)[0].mean()
    optimizer = torch.optim.Adam([flat], lr=0.01)
    torch.manual_seed(0)
    for _ in range(20):
        optimizer.zero_grad()
        LesionContrastLoss(1.0, 1.0)(flat, des, DRAWN, ON_DES, BREAST).backward()
        optimizer.step()
    shown, _ = contrasts(flat.detach(), des)
    assert shown.mean() > before + 0.5
    assert flat.isfinite().all()


def test_a_batch_without_lesions_has_a_gradient_of_zero(des):
    pred = (des + 0.1).requires_grad_()
    loss = LesionContrastLoss()(pred, des, torch.zeros(SHAPE), ON_DES, BREAST)
    loss.backward()
    assert loss.item() == 0
    assert not pred.grad.any()


@pytest.mark.parametrize("name", ["des", "lesion_mask", "des_lesion_mask", "breast_mask"])
def test_images_of_another_size_are_refused(des, name):
    images = {"des": des, "lesion_mask": DRAWN, "des_lesion_mask": ON_DES, "breast_mask": BREAST}
    images[name] = images[name][..., :50]
    with pytest.raises(InputError, match=rf"{name}: shape \(2, 1, 96, 50\); expected that of pred"):
        LesionContrastLoss()(des, **images)


def test_negative_weights_are_refused():
    with pytest.raises(InputError, match="elsewhere_weight: -1; expected 0 or more"):
        LesionContrastLoss(elsewhere_weight=-1)
