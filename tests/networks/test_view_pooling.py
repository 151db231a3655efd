from __future__ import annotations

import pytest
import torch

from vdes.networks.view_pooling import pooled_logits

# an examination of two breasts with two and three images, and one with a single image
BREAST = torch.tensor([0, 0, 1, 1, 1, 2])
EXAMINATION = torch.tensor([0, 0, 0, 0, 0, 1])


def outputs(classes: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randn(6, classes + 2, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def test_by_hand():
    third = torch.tensor(3.0).log()
    output = torch.tensor(
        [
            # logit, score in the breast, score of the breast
            [4.0, 0.0, 1.0],
            [8.0, third, 5.0],  # weighs three times as much: the breast has (4 + 3 * 8) / 4 = 7, and score 4
            [1.0, 2.0, 4.0 + third],  # the other breast: its score is larger by log 3
        ]
    )
    found = pooled_logits(output, torch.tensor([0, 0, 1]), torch.tensor([0, 0, 0]))
    torch.testing.assert_close(found["image"], torch.tensor([[4.0], [8.0], [1.0]]))
    torch.testing.assert_close(found["breast"], torch.tensor([[7.0], [1.0]]))
    torch.testing.assert_close(found["examination"], torch.tensor([[(7.0 + 3 * 1.0) / 4]]))


@pytest.mark.parametrize("classes", [1, 3])
def test_pooling_is_a_softmax_over_each_group(classes):
    output = outputs(classes)
    found = pooled_logits(output, BREAST, EXAMINATION)
    breasts, scores = [], []
    for group in (output[:2], output[2:5], output[5:]):
        weights = group[:, -2].softmax(dim=0)
        breasts.append(weights @ group[:, :-2])
        scores.append(weights @ group[:, -1])
    weights = torch.stack(scores[:2]).softmax(dim=0)
    examinations = [weights[0] * breasts[0] + weights[1] * breasts[1], breasts[2]]
    torch.testing.assert_close(found["image"], output[:, :-2])
    torch.testing.assert_close(found["breast"], torch.stack(breasts))
    torch.testing.assert_close(found["examination"], torch.stack(examinations))


def test_equal_scores_give_the_mean_of_images_and_of_breasts():
    output = outputs()
    output[:, 1:] = 0.7
    found = pooled_logits(output, BREAST, EXAMINATION)
    logits = output[:, 0]
    breasts = torch.stack([logits[:2].mean(), logits[2:5].mean(), logits[5]])
    torch.testing.assert_close(found["breast"][:, 0], breasts)
    # breasts count alike, whatever the number of their images
    torch.testing.assert_close(found["examination"][:, 0], torch.stack([breasts[:2].mean(), breasts[2]]))


def test_an_image_alone_keeps_its_logits():
    output = outputs(3)
    alone = torch.arange(6)
    found = pooled_logits(output, alone, alone)
    for level in ("breast", "examination"):
        torch.testing.assert_close(found[level], output[:, :-2])


def test_the_order_of_images_does_not_matter():
    output, order = outputs(), torch.tensor([4, 5, 0, 2, 1, 3])
    found = pooled_logits(output, BREAST, EXAMINATION)
    shuffled = pooled_logits(output[order], BREAST[order], EXAMINATION[order])
    torch.testing.assert_close(shuffled["image"], found["image"][order])
    for level in ("breast", "examination"):
        torch.testing.assert_close(shuffled[level], found[level])


def test_the_numbers_of_groups_are_names_alone():
    output = outputs()
    found = pooled_logits(output, BREAST, EXAMINATION)
    renamed = torch.tensor([2, 0, 1])
    other = pooled_logits(output, renamed[BREAST], 1 - EXAMINATION)
    torch.testing.assert_close(other["breast"][renamed], found["breast"])
    torch.testing.assert_close(other["examination"].flip(0), found["examination"])


def test_large_scores_choose_and_do_not_overflow():
    output = torch.tensor([[1.0, 3000.0, 0.0], [2.0, -3000.0, 0.0], [3.0, 0.0, -9000.0]], requires_grad=True)
    found = pooled_logits(output, torch.tensor([0, 0, 1]), torch.tensor([0, 0, 0]))
    assert found["breast"].flatten().tolist() == [1.0, 3.0]
    assert found["examination"].flatten().tolist() == [1.0]
    found["examination"].sum().backward()
    assert bool(output.grad.isfinite().all())
    assert output.grad[:, 0].tolist() == [1.0, 0.0, 0.0]


def test_gradients_are_those_of_finite_differences():
    def pooled(output: torch.Tensor) -> torch.Tensor:
        return torch.cat(list(pooled_logits(output, BREAST, EXAMINATION).values()))

    assert torch.autograd.gradcheck(pooled, (outputs(3).requires_grad_(),))
