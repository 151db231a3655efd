"""Keep the weights of the best validation."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from ignite.distributed import get_rank
from ignite.engine import Events
from monai.engines import Evaluator

from vdes.data.datalist import Datalist, PathLike
from vdes.data.staging import staged
from vdes.data.training_record import RECORD_SUFFIX, training_record


class BestWeights:
    """MONAI handler for an evaluator: save a network's state dict whenever the key metric is the best so far.

    It also writes the record of what they were trained on (`vdes.data.training_record`), ``model.json`` for
    ``model.pt``, so that a study can refuse to test them on it.

    `monai.handlers.CheckpointSaver` forgets the best metric when a run is resumed (its engine's state is not saved) and
    would overwrite better weights.

    Args:
        file: the weights, ``model.pt`` in the run's folder.
        network: the network whose weights are saved.
        datalist: the datalist of the training, or its file.

    """

    def __init__(self, file: str | Path, network: torch.nn.Module, datalist: PathLike | Datalist) -> None:
        self.file = Path(file)
        self.network = network
        self.datalist = datalist
        self.record: str | None = None

    def attach(self, engine: Evaluator) -> None:
        """Register the handler with ``engine``."""
        engine.add_event_handler(Events.COMPLETED, self.save_if_best)

    def save_if_best(self, engine: Evaluator) -> None:
        """Save the weights if this validation was the best."""
        if engine.state.best_metric_epoch != engine.state.epoch or get_rank() != 0:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.record is None:  # it hashes every image
            self.record = json.dumps(training_record(self.datalist), indent=1) + "\n"
        recorded = self.file.with_suffix(RECORD_SUFFIX)
        with staged([recorded, self.file], overwrite=True) as stages:
            stages[recorded].write_text(self.record, encoding="utf-8")
            torch.save(self.network.state_dict(), stages[self.file])
