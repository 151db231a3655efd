from __future__ import annotations

import pytest
import torch
from ignite.engine import Events

from vdes.errors import InputError
from vdes.handlers.regular_validation import RegularValidation


@pytest.mark.parametrize(("interval", "validated"), [(1, [1, 2, 3, 4]), (3, [3, 4]), (4, [4]), (9, [4])])
def test_the_last_epoch_is_always_validated(make_run, interval, validated):
    run = make_run("run", interval=interval)
    found = []
    run.validator.add_event_handler(Events.COMPLETED, lambda engine: found.append(engine.state.epoch))
    run()
    assert found == validated
    assert run.best_file.is_file()


def test_an_epoch_without_a_batch_is_refused(make_run):
    message = r"batch_size: the 5 images of training make no batch for each of 1 processes"
    with pytest.raises(InputError, match=message):
        make_run("run", batch_size=6)


def test_a_validation_without_a_batch_is_refused(make_run):
    run = make_run("run")
    run.validator.state.epoch_length = 0
    with pytest.raises(InputError, match=r"batch_size: the 2 images of validation make no batch"):
        RegularValidation(run.validator, 1).attach(run.trainer)


@pytest.mark.parametrize("interval", [0, -1, 1.5, "often"])
def test_an_interval_that_is_none_is_refused(make_run, interval):
    with pytest.raises(InputError, match=rf"val_interval: {interval!r}; expected a whole number of epochs, 1 or more"):
        make_run("run", interval=interval)


def test_a_training_of_no_epoch_is_refused(make_run):
    with pytest.raises(InputError, match=r"epochs: 0; expected a whole number, 1 or more"):
        make_run("run", epochs=0)


def test_a_training_that_diverges_ends_and_keeps_the_best_weights(make_run):
    run = make_run("run")

    @run.trainer.on(Events.EPOCH_STARTED(once=3))
    def diverge() -> None:
        run.network[0].weight.data.fill_(torch.nan)

    message = r"epoch 3: the weights are not finite any more, the training has diverged"
    with pytest.raises(InputError, match=message):
        run()
    assert torch.load(run.best_file)["0.weight"].isfinite().all()
    assert torch.load(run.file)["progress"]["epoch"] == 2


def undefined(run, epochs) -> None:
    """Make the key metric of some epochs what it is without a case that it is defined for."""

    @run.validator.on(Events.EPOCH_COMPLETED)  # after MONAI has compared it
    def replace(engine) -> None:
        if engine.state.epoch in epochs:
            engine.state.best_metric, engine.state.best_metric_epoch = float("nan"), engine.state.epoch


def test_a_training_without_a_validation_that_says_something_is_an_error(make_run):
    for _ in range(2):  # nor does the same command end well afterwards
        run = make_run("run")
        undefined(run, range(5))
        with pytest.raises(InputError, match="validation: mae was a number in no epoch, so no weights were kept"):
            run()
        assert not run.best_file.exists()


def test_weights_whose_metric_is_no_number_are_never_the_best(make_run):
    """MONAI takes the first value for the best, and no number is better than one that is none."""
    run = make_run("run")
    undefined(run, [1])
    run()
    assert run.validator.state.best_metric_epoch >= 2
    assert run.best_file.is_file()
