from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedTrainer
from torch import nn

from vdes.engines.autocast_inferer import AutocastInferer
from vdes.engines.precision import gradient_scaler
from vdes.engines.scaled_trainer import ScaledTrainer
from vdes.handlers.resumable_training import ResumableTraining


def settings(precision: str, epochs: int = 1, **further: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    images = torch.rand(3, 1, 8, 8)
    return {
        "device": torch.device("cpu"),
        "max_epochs": epochs,
        "train_data_loader": DataLoader(Dataset([{"image": image, "label": 1 - image} for image in images]), 1),
        "network": network,
        "optimizer": torch.optim.SGD(network.parameters(), 0.1),
        "loss_function": nn.MSELoss(),
        "inferer": AutocastInferer(precision),
        **further,
    }


def trained(trainer: SupervisedTrainer) -> list[torch.Tensor]:
    trainer.run()
    return [value.detach().clone() for value in trainer.network.parameters()]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_without_a_scaler_it_is_monais_trainer(precision):
    own = trained(ScaledTrainer(gradient_scaler=gradient_scaler(precision, "cpu"), **settings(precision)))
    theirs = trained(SupervisedTrainer(**settings(precision)))
    assert all(torch.equal(one, other) for one, other in zip(own, theirs, strict=True))


def test_float16_trains_as_single_precision_does():
    half = trained(ScaledTrainer(gradient_scaler=gradient_scaler("float16", "cpu"), **settings("float16")))
    single = trained(SupervisedTrainer(**settings("float32")))
    for one, other in zip(half, single, strict=True):
        torch.testing.assert_close(one, other, rtol=0.01, atol=1e-3)
        assert not torch.equal(one, other)


def test_a_step_that_overflows_is_skipped():
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**60)
    trainer = ScaledTrainer(gradient_scaler=scaler, **settings("float16"))
    before = [value.detach().clone() for value in trainer.network.parameters()]
    assert all(torch.equal(one, other) for one, other in zip(before, trained(trainer), strict=True))
    assert scaler.get_scale() == 2.0**57  # halved after each of three steps


def test_the_scale_is_restored_with_the_rest(tmp_path: Path):
    """The second run would begin with a scale of 1; six steps overflow, three in each run."""
    scales = []
    for scale, stop_after in ((2.0**60, 1), (1.0, 2)):
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        handler = ResumableTraining(tmp_path / "last.pt", {"gradient_scaler": scaler}, seed=0)
        trainer = ScaledTrainer(gradient_scaler=scaler, **settings("float16", 2, train_handlers=[handler]))
        trainer.add_event_handler(Events.EPOCH_COMPLETED(once=stop_after), Engine.terminate)
        trainer.run()
        scales.append(scaler.get_scale())
    assert scales == [2.0**57, 2.0**54]
