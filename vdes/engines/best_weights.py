"""Keep the weights of the best validation."""

from __future__ import annotations

from pathlib import Path

import torch
from ignite.distributed import get_rank
from ignite.engine import Events
from monai.engines import Evaluator


class BestWeights:
    """MONAI handler for an evaluator: save a network's state dict whenever the key metric is the best so far.

    The file is written beside and renamed. `monai.handlers.CheckpointSaver` forgets the best metric when a run is
    resumed (its engine's state is not saved) and would overwrite better weights.

    Args:
        file: the weights, ``model.pt`` in the run's folder.
        network: the network whose weights are saved.

    """

    def __init__(self, file: str | Path, network: torch.nn.Module) -> None:
        self.file = Path(file)
        self.network = network

    def attach(self, engine: Evaluator) -> None:
        """Register the handler with ``engine``."""
        engine.add_event_handler(Events.COMPLETED, self.save_if_best)

    def save_if_best(self, engine: Evaluator) -> None:
        """Save the weights if this validation was the best."""
        if engine.state.best_metric_epoch != engine.state.epoch or get_rank() != 0:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_name(self.file.name + ".partial")
        torch.save(self.network.state_dict(), partial)
        partial.replace(self.file)
