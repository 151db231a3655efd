"""Stop a training that no longer improves."""

from __future__ import annotations

import logging

from ignite.engine import Engine, Events
from monai.engines import Evaluator, Trainer

logger = logging.getLogger(__name__)


class StopWhenStale:
    """MONAI handler for a trainer: stop when the validation's key metric has not improved for ``patience`` epochs.

    `monai.handlers.EarlyStopHandler` keeps its own count, which restarts when a run is resumed; this handler uses the
    epoch of the best metric, which is in the checkpoint. The last epoch is always a validated one. Put it after
    `vdes.handlers.resumable_training.ResumableTraining`, which loads that.

    Args:
        validator: the evaluator with the key metric.
        patience: epochs without improvement.

    """

    def __init__(self, validator: Evaluator, patience: int) -> None:
        self.validator = validator
        self.patience = patience

    def attach(self, engine: Trainer) -> None:
        """Register the handler with ``engine``."""
        engine.add_event_handler(Events.STARTED | Events.EPOCH_COMPLETED, self.stop_if_stale)

    def stop_if_stale(self, engine: Engine) -> None:
        """Stop if the best epoch is too long ago."""
        best, epoch = self.validator.state.best_metric_epoch, engine.state.epoch
        if best > 0 and epoch == self.validator.state.epoch and epoch - best >= self.patience:
            logger.info("stopped after epoch %d: validation was best in epoch %d", engine.state.epoch, best)
            engine.terminate()
