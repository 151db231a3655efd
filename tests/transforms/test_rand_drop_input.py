from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, RandFlipd

from vdes.transforms.rand_drop_input import RandDropInput, RandDropInputd

IMAGE = torch.rand(2, 6, 5, generator=torch.Generator().manual_seed(0))


def dropped(image: torch.Tensor) -> list[bool]:
    """Which channels are NaN; none may be so in part."""
    nan = image.isnan().flatten(1)
    assert torch.equal(nan.any(dim=1), nan.all(dim=1))
    return nan.all(dim=1).tolist()


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_as_many_lose_an_input_as_the_probability_says_each_input_as_often(prob):
    transform = RandDropInput(prob).set_random_state(0)
    count = 2000
    found = np.array([dropped(transform(IMAGE)) for _ in range(count)])
    assert not found.all(axis=1).any()  # never both
    # a binomial share: within four standard deviations
    assert found.any(axis=1).mean() == pytest.approx(prob, abs=4 * np.sqrt(prob * (1 - prob) / count))
    for channel in (0, 1):
        assert found[:, channel].mean() == pytest.approx(prob / 2, abs=4 * np.sqrt(prob / 2 * (1 - prob / 2) / count))


def test_the_other_input_and_the_image_that_came_are_left_as_they_are():
    before = IMAGE.clone()
    out = RandDropInput(1.0)(IMAGE)
    [kept] = [channel for channel, gone in enumerate(dropped(out)) if not gone]
    assert torch.equal(out[kept], IMAGE[kept])
    assert torch.equal(IMAGE, before)


@pytest.mark.parametrize("channel", [0, 1])
def test_an_image_that_lacks_one_keeps_the_other(channel):
    image = IMAGE.clone()
    image[channel] = torch.nan
    transform = RandDropInput(1.0)
    for _ in range(20):
        out = transform(image)
        assert dropped(out) == [channel == 0, channel == 1]
        assert torch.equal(out[1 - channel], IMAGE[1 - channel])


def test_the_random_state_of_a_compose_decides():
    runs = []
    for seed in (3, 3, 4):
        transform = Compose([RandFlipd("image", prob=0.5, spatial_axis=0), RandDropInputd("image", 0.5)])
        transform.set_random_state(seed)
        runs.append([dropped(transform({"image": IMAGE})["image"]) for _ in range(40)])
    assert runs[0] == runs[1] != runs[2]
    alone = [RandDropInput(0.5).set_random_state(state=np.random.RandomState(7)) for _ in range(2)]
    draws = [[dropped(transform(IMAGE)) for _ in range(40)] for transform in alone]
    assert draws[0] == draws[1]


def test_images_of_one_epoch_lose_other_inputs():
    dataset = Dataset([{"image": IMAGE, "case": str(i)} for i in range(64)], RandDropInputd("image", 0.5))
    epochs = []
    for _ in range(2):
        torch.manual_seed(5)
        dataset.transform.set_random_state(5)
        [batch] = DataLoader(dataset, batch_size=64)
        assert len(batch["case"]) == 64
        epochs.append([tuple(dropped(image)) for image in batch["image"]])
    assert epochs[0] == epochs[1]
    assert set(epochs[0]) == {(False, False), (True, False), (False, True)}


def test_the_dictionary_form_draws_for_each_key_and_keeps_the_rest():
    transform = RandDropInputd(("image", "other"), 1.0)
    transform.set_random_state(0)
    outs = [transform({"image": IMAGE, "other": IMAGE, "case": "a"}) for _ in range(20)]
    assert {out["case"] for out in outs} == {"a"}
    assert any(dropped(out["image"]) != dropped(out["other"]) for out in outs)
