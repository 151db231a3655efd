from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import MeanAbsoluteError, from_engine
from torch import nn

from vdes.handlers.regular_validation import RegularValidation
from vdes.handlers.resumable_training import ResumableTraining
from vdes.handlers.stop_when_stale import StopWhenStale

EPOCHS = 12


class Training:
    """A weight that a step of SGD moves from -4 by 1 each epoch: its error falls to 0 in epoch 4, and rises then."""

    def __init__(self, file: Path, patience: int, interval: int = 1, epochs: int = EPOCHS) -> None:
        self.network = nn.Linear(1, 1, bias=False)
        self.network.weight.data.fill_(-4.0)
        optimizer = torch.optim.SGD(self.network.parameters(), lr=1.0)
        data = [{"image": torch.ones(1), "label": torch.zeros(1)}]
        self.validator = SupervisedEvaluator(
            device=torch.device("cpu"),
            val_data_loader=DataLoader(data, batch_size=1),
            network=self.network,
            key_val_metric={"mae": MeanAbsoluteError(output_transform=from_engine(["pred", "label"]))},
            metric_cmp_fn=lambda current, best: best == -1 or current < best,
        )
        objects = {"network": self.network, "optimizer": optimizer}
        self.trainer = SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=epochs,
            train_data_loader=DataLoader(data, batch_size=1),
            network=self.network,
            optimizer=optimizer,
            loss_function=lambda pred, _: -pred.mean(),
            train_handlers=[
                RegularValidation(self.validator, interval),
                ResumableTraining(file, objects, seed=0, best=self.validator),
                StopWhenStale(self.validator, patience),
            ],
        )
        self.iterations = 0
        self.trainer.add_event_handler(Events.ITERATION_COMPLETED, self.count)

    def count(self) -> None:
        self.iterations += 1

    def __call__(self, stop_after: int | None = None) -> Training:
        if stop_after is not None:
            self.trainer.add_event_handler(Events.EPOCH_COMPLETED(once=stop_after), lambda engine: engine.terminate())
        self.trainer.run()
        return self


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Training]:
    """Make the objects of a run, anew as a new process would."""
    return lambda patience, name="last", **settings: Training(tmp_path / f"{name}.pt", patience, **settings)


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_when_the_best_epoch_is_too_long_ago(make, patience, caplog):
    with caplog.at_level(logging.INFO, "vdes.handlers.stop_when_stale"):
        run = make(patience)()
    assert run.validator.state.best_metric_epoch == 4
    assert run.trainer.state.epoch == run.iterations == 4 + patience
    assert f"stopped after epoch {4 + patience}: validation was best in epoch 4" in caplog.text


def test_a_training_that_gets_better_runs_to_its_end(make):
    run = make(1, epochs=4)()
    assert run.trainer.state.epoch == run.iterations == 4


def test_epochs_without_validation_count_too(make):
    run = make(3, interval=2)()
    assert run.validator.state.best_metric_epoch == 4
    assert run.trainer.state.epoch == 8  # stale in epoch 7, which is not validated
    # nor does a run that is resumed after such an epoch stop there
    make(3, interval=2, name="cut")(stop_after=7)
    assert make(3, interval=2, name="cut")().trainer.state.epoch == 8


def test_a_resumed_run_remembers_how_stale_it_was(make):
    make(3)(stop_after=6)
    run = make(3)()
    assert run.trainer.state.epoch == 7
    assert run.iterations == 1  # epoch 7 alone: MONAI's EarlyStopHandler would count three more


def test_a_run_that_was_stale_already_stops_at_once(make):
    first = make(3)()
    again = make(3)()
    assert again.iterations == 0
    assert again.trainer.state.epoch == 7
    assert float(again.network.weight.detach()) == float(first.network.weight.detach()) == 3.0
    # less patience stops it too, and more lets it go on
    assert make(2)().iterations == 0
    assert make(5)().trainer.state.epoch == 9
