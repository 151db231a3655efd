"""Validate during a training, so that it ends with weights."""

from __future__ import annotations

import math

from ignite.distributed import get_world_size
from ignite.engine import Events
from monai.engines import Evaluator, Trainer

from vdes.errors import InputError


class RegularValidation:
    """MONAI handler for a trainer: validate every ``interval`` epochs and after the last, and refuse work without use.

    `monai.handlers.ValidationHandler` leaves out the last epoch unless the interval divides its number, and MONAI's
    engines skip an empty loader with a warning: a training could end well without a step or without weights.

    Args:
        validator: the evaluator with the key metric, which decides the best weights.
        interval: epochs from one validation to the next.

    Raises:
        InputError: on attaching, the interval or the number of epochs is below 1, or an epoch has no batch; after an
            epoch, the weights are not finite; at the end, the key metric was never a number, so no weights were kept.

    """

    def __init__(self, validator: Evaluator, interval: int) -> None:
        if not isinstance(interval, int) or interval < 1:
            raise InputError(f"val_interval: {interval!r}; expected a whole number of epochs, 1 or more")
        self.validator = validator
        self.interval = interval

    def attach(self, engine: Trainer) -> None:
        """Register the handler with ``engine``."""
        if not isinstance(engine.state.max_epochs, int) or engine.state.max_epochs < 1:
            raise InputError(f"epochs: {engine.state.max_epochs!r}; expected a whole number, 1 or more")
        for section, one in (("training", engine), ("validation", self.validator)):
            if one.state.epoch_length == 0:
                data = one.data_loader.dataset
                raise InputError(
                    f"batch_size: the {len(data)} images of {section} make no batch for each of {get_world_size()} "
                    "processes; expected smaller batches, fewer processes or more images"
                )
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.validate)
        engine.add_event_handler(Events.COMPLETED, self.check)

    def validate(self, engine: Trainer) -> None:
        """Validate if it is time to."""
        epoch = engine.state.epoch
        if not all(value.isfinite().all() for value in self.validator.network.parameters()):
            raise InputError(
                f"epoch {epoch}: the weights are not finite any more, the training has diverged; expected a training "
                "that does not, such as with a smaller --learning_rate"
            )
        if epoch % self.interval and epoch != engine.state.max_epochs:
            return
        self.validator.run(epoch)
        state = self.validator.state
        if not math.isfinite(state.best_metric):  # MONAI takes the first value even if it is none
            state.best_metric = state.best_metric_epoch = -1

    def check(self, _engine: Trainer) -> None:
        """Refuse the end of a training that has kept no weights."""
        state = self.validator.state
        if state.best_metric_epoch < 1:
            raise InputError(
                f"validation: {state.key_metric_name or 'the key metric'} was a number in no epoch, so no weights were "
                "kept; expected validation cases that it is defined for"
            )
