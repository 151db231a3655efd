"""Keep the weights of the best validation."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from ignite.distributed import get_rank
from ignite.engine import Events
from monai.engines import Evaluator

from vdes.data.training_record import TrainingRecord
from vdes.handlers.save_weights import save_weights


class BestWeights:
    """MONAI handler for an evaluator: save a network's state dict whenever the key metric is the best so far.

    It also writes the record of what they were trained on (`vdes.data.training_record`), ``model.json`` for
    ``model.pt``, so that a study can refuse to test them on it.

    `monai.handlers.CheckpointSaver` forgets the best metric when a run is resumed (its engine's state is not saved) and
    would overwrite better weights.

    Args:
        file: the weights, ``model.pt`` in the run's folder.
        network: the network whose weights are saved.
        record: what the training sees.

    """

    def __init__(self, file: str | Path, network: torch.nn.Module, record: TrainingRecord) -> None:
        self.file = Path(file)
        self.network = network
        self.record = record

    def attach(self, engine: Evaluator) -> None:
        """Register the handler with ``engine``."""
        engine.add_event_handler(Events.COMPLETED, self.save_if_best)

    def save_if_best(self, engine: Evaluator) -> None:
        """Save the weights if this validation was the best."""
        best = engine.state.best_metric_epoch == engine.state.epoch and math.isfinite(engine.state.best_metric)
        if not best or get_rank() != 0:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        save_weights(self.network.state_dict(), self.file, self.record.content)
