from __future__ import annotations

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from vdes.errors import InputError
from vdes.losses.multi_level_loss import MultiLevelLoss
from vdes.networks.view_pooling import pooled_logits

LEVELS = ("image", "breast", "examination")
# examinations of five, one and two images, not in order; the first has two breasts
PATHOLOGY = torch.tensor([0, 2, 1, 1, 0, 2, 0, 1])
BREAST = torch.tensor([0, 0, 2, 1, 1, 0, 3, 3])
EXAMINATION = torch.tensor([0, 0, 1, 0, 0, 0, 2, 2])
TARGET = torch.stack([PATHOLOGY, BREAST, EXAMINATION], dim=1)


def predictions(classes: int = 1, seed: int = 0) -> torch.Tensor:
    return 2 * torch.randn(8, classes + 2, generator=torch.Generator().manual_seed(seed))


def only(level: str, **settings: float) -> MultiLevelLoss:
    return MultiLevelLoss(**{f"{name}_weight": float(name == level) for name in LEVELS} | settings)


def worst(group: torch.Tensor) -> torch.Tensor:
    return torch.stack([PATHOLOGY[group == i].max() for i in range(int(group.max()) + 1)])


def averaged(losses: torch.Tensor, examination: torch.Tensor) -> float:
    return float(torch.stack([losses[examination == i].mean() for i in range(3)]).mean())


def cross_entropies(logits: torch.Tensor, pathology: torch.Tensor) -> torch.Tensor:
    if logits.shape[1] == 1:
        return binary_cross_entropy_with_logits(logits[:, 0], (pathology == 2).float(), reduction="none")
    return cross_entropy(logits, pathology, reduction="none")


@pytest.mark.parametrize("classes", [1, 3])
def test_images_are_scored_by_cross_entropy_and_averaged_in_their_examination_first(classes):
    pred = predictions(classes)
    losses = cross_entropies(pred[:, :-2], PATHOLOGY)
    assert float(only("image")(pred, TARGET)) == pytest.approx(averaged(losses, EXAMINATION), rel=1e-5)
    assert float(losses.mean()) != pytest.approx(averaged(losses, EXAMINATION), rel=0.02)


@pytest.mark.parametrize("classes", [1, 3])
def test_a_breast_and_an_examination_have_the_worst_of_their_images(classes):
    pred = predictions(classes)
    logits = pooled_logits(pred, BREAST, EXAMINATION)
    breasts = cross_entropies(logits["breast"], worst(BREAST))
    # the examination of a breast: the first has breasts 0 and 1
    expected = averaged(breasts, torch.tensor([0, 0, 1, 2]))
    assert float(only("breast")(pred, TARGET)) == pytest.approx(expected, rel=1e-5)
    assert worst(EXAMINATION).tolist() == [2, 1, 1]
    examinations = cross_entropies(logits["examination"], worst(EXAMINATION))
    assert float(only("examination")(pred, TARGET)) == pytest.approx(float(examinations.mean()), rel=1e-5)


def test_the_levels_add_up_by_their_weights():
    pred = predictions()
    weights = {"image_weight": 1.5, "breast_weight": 0.2, "examination_weight": 0.7}
    parts = sum(weights[f"{level}_weight"] * only(level)(pred, TARGET) for level in LEVELS)
    torch.testing.assert_close(MultiLevelLoss(**weights)(pred, TARGET), parts)


@pytest.mark.parametrize("classes", [1, 3])
def test_malignant_losses_alone_are_multiplied(classes):
    pred = predictions(classes)
    losses = cross_entropies(pred[:, :-2], PATHOLOGY)
    weighted = torch.where(PATHOLOGY == 2, 3.5 * losses, losses)
    found = only("image", malignant_weight=3.5)(pred, TARGET)
    assert float(found) == pytest.approx(averaged(weighted, EXAMINATION), rel=1e-5)


@pytest.mark.parametrize("classes", [1, 3])
def test_the_focal_loss_is_that_of_the_paper(classes):
    pred = predictions(classes)
    logits = pred[:, :-2]
    probability = (
        torch.where(PATHOLOGY == 2, logits[:, 0].sigmoid(), 1 - logits[:, 0].sigmoid())
        if classes == 1
        else logits.softmax(dim=1)[torch.arange(8), PATHOLOGY]
    )
    expected = averaged(-((1 - probability) ** 2) * probability.log(), EXAMINATION)
    assert float(only("image", focal_gamma=2.0)(pred, TARGET)) == pytest.approx(expected, rel=1e-4)


def test_scores_learn_from_breasts_and_examinations_and_not_from_images():
    for level, learns in (("image", (False, False)), ("breast", (True, False)), ("examination", (True, True))):
        pred = predictions().requires_grad_()
        only(level)(pred, TARGET).backward()
        assert bool(pred.grad.isfinite().all())
        assert bool(pred.grad[:, 0].all())
        assert (bool(pred.grad[:, 1].any()), bool(pred.grad[:, 2].any())) == learns


def test_attention_turns_to_the_image_that_shows_the_cancer():
    # one image with a large logit beside one with a small one, in a malignant breast and in a benign one
    pred = torch.tensor([[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0], [3.0, 0.0, 0.0], [-3.0, 0.0, 0.0]], requires_grad=True)
    only("breast")(pred, torch.tensor([[2, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 1]])).backward()
    assert (pred.grad[:, 1] < 0).tolist() == [True, False, False, True]


@pytest.mark.parametrize("focal_gamma", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("classes", [1, 3])
def test_predictions_without_doubt_have_finite_gradients(classes, focal_gamma):
    pred = (100 * predictions(classes)).requires_grad_()
    loss = MultiLevelLoss(focal_gamma=focal_gamma)(pred, TARGET)
    loss.backward()
    assert bool(loss.isfinite())
    assert bool(pred.grad.isfinite().all())


def test_descent_separates_malignant_images_from_others():
    pred = predictions().requires_grad_()
    optimizer = torch.optim.Adam([pred], lr=0.2)
    for _ in range(150):
        optimizer.zero_grad()
        MultiLevelLoss()(pred, TARGET).backward()
        optimizer.step()
    assert torch.equal(pred[:, 0] > 0, PATHOLOGY == 2)
    found = pooled_logits(pred.detach(), BREAST, EXAMINATION)
    for level, group in (("breast", BREAST), ("examination", EXAMINATION)):
        assert torch.equal(found[level][:, 0] > 0, worst(group) == 2)


def test_a_prediction_in_bfloat16_is_scored_in_single_precision():
    pred = predictions().bfloat16()
    loss = MultiLevelLoss()(pred, TARGET)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, MultiLevelLoss()(pred.float(), TARGET))


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (1.0, -0.5, 0.0)])
def test_weights_below_zero_or_all_zero_are_refused(weights):
    with pytest.raises(InputError, match="expected weights of 0 or more, and one above 0"):
        MultiLevelLoss(*weights)


@pytest.mark.parametrize("focal_gamma", [-1.0, 0.5, float("nan")])
def test_a_focal_loss_without_a_gradient_is_refused(focal_gamma):
    with pytest.raises(InputError, match=r"focal_gamma: .*; expected 0, or 1 and more"):
        MultiLevelLoss(focal_gamma=focal_gamma)
