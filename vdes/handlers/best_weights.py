"""Keep the weights of the best validation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import torch
from ignite.distributed import get_rank
from ignite.engine import Events
from monai.engines import Evaluator

from vdes.data.training_record import RECORD_SUFFIX, training_record


class BestWeights:
    """MONAI handler for an evaluator: save a network's state dict whenever the key metric is the best so far.

    Beside it, ``model.json`` for ``model.pt``, lies the record of what they were trained on
    (`vdes.data.training_record`), by which a study refuses to test them on it.

    The files are written beside and renamed. `monai.handlers.CheckpointSaver` forgets the best metric when a run is
    resumed (its engine's state is not saved) and would overwrite better weights.

    Args:
        file: the weights, ``model.pt`` in the run's folder.
        network: the network whose weights are saved.
        datalist: that the training is on.

    """

    def __init__(self, file: str | Path, network: torch.nn.Module, datalist: str | os.PathLike[str]) -> None:
        self.file = Path(file)
        self.network = network
        self.datalist = datalist

    def attach(self, engine: Evaluator) -> None:
        """Register the handler with ``engine``."""
        engine.add_event_handler(Events.COMPLETED, self.save_if_best)

    def save_if_best(self, engine: Evaluator) -> None:
        """Save the weights if this validation was the best."""
        if engine.state.best_metric_epoch != engine.state.epoch or get_rank() != 0:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        record = json.dumps(training_record(self.datalist), indent=1) + "\n"
        self.replace(self.file.with_suffix(RECORD_SUFFIX), lambda file: file.write_text(record, encoding="utf-8"))
        self.replace(self.file, lambda file: torch.save(self.network.state_dict(), file))

    @staticmethod
    def replace(file: Path, write: Callable[[Path], object]) -> None:
        """Write a file beside, and rename it."""
        partial = file.with_name(file.name + ".partial")
        write(partial)
        partial.replace(file)
