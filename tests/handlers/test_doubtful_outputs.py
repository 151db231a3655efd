from __future__ import annotations

import logging

import pytest
import torch
from monai.engines import SupervisedEvaluator
from torch import nn

from vdes.handlers.doubtful_outputs import DoubtfulOutputs, doubts


class Answer(nn.Module):
    """A network that gives the stated outputs, one after the other."""

    def __init__(self, outputs: list[torch.Tensor]) -> None:
        super().__init__()
        self.outputs = iter(outputs)

    def forward(self, _image: torch.Tensor) -> torch.Tensor:
        return next(self.outputs)[None]


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(1, 20, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def breast() -> torch.Tensor:
    mask = torch.zeros(1, 20, 16)
    mask[:, 4:16, :10] = 1
    return mask


def test_a_plain_output_is_not_doubtful(image, breast):
    other = torch.rand(1, 20, 16, generator=torch.Generator().manual_seed(1))
    assert doubts(image, other, breast) == []
    assert doubts(image, image + 0.3 * (other - 0.5), breast) == []  # much like its input, yet not the same
    assert doubts(image, 1 - image, breast) == []  # not a copy


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (lambda image: image, ["copy"]),
        (lambda image: 0.2 + 0.5 * image, ["copy"]),
        (lambda image: torch.full_like(image, 0.4), ["constant"]),
        (lambda image: torch.full_like(image, -3.0), ["outside", "constant"]),
        (lambda image: image + 1.2, ["outside", "copy"]),
        (lambda image: torch.full_like(image, float("nan")), []),  # refused elsewhere
    ],
)
def test_only_the_breast_counts(image, breast, change, kinds):
    output = torch.where(breast > 0, change(image), 0.7 * torch.ones_like(image))
    assert doubts(image, output, breast) == kinds


def test_an_evaluator_warns_once_of_each_kind(image, breast, caplog):
    outputs = [image, 1 - image, torch.zeros_like(image), image]
    handler = DoubtfulOutputs()
    for _ in range(2):  # a second run counts anew
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="vdes"):
            SupervisedEvaluator(
                device=torch.device("cpu"),
                val_data_loader=[{"image": image[None], "breast_mask": breast[None]}] * 4,
                network=Answer(outputs),
                val_handlers=[handler],
            ).run()
        assert [record.getMessage() for record in caplog.records] == [
            "1 of 4 virtual DES images have one value all over the breast",
            "2 of 4 virtual DES images are their low-energy image (correlation above 0.999)",
        ]
