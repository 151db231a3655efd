"""Resume an interrupted training, with the same results."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.distributed import get_rank
from ignite.engine import Engine, Events
from monai.data.utils import set_rnd
from monai.engines import Trainer

from vdes.data.staging import staged
from vdes.errors import InputError

logger = logging.getLogger(__name__)


class ResumableTraining:
    """MONAI handler: seed every epoch, save the whole state after it, and resume from that state if there is one.

    The random states at the start of an epoch depend only on ``seed``, the rank and the epoch's number, so an
    interrupted epoch is repeated exactly, and a resumed run ends with the same weights, bit for bit, on the same
    machine with the same number of threads. An interruption while the checkpoint is written leaves the previous one.

    Put it last in the list of handlers: everything at the end of an epoch, such as validation, must be done before it
    saves.

    Args:
        file: checkpoint, ``last.pt`` in the run's folder.
        objects: what to save and load, by name: everything with ``state_dict`` and ``load_state_dict``.
        seed: seed of the run.
        dataset: dataset of the training loader, whose random transforms are seeded if no worker process does it.
        best: an engine whose ``state.best_metric`` and ``best_metric_epoch`` decide which weights are kept.
        resume: False starts a new run and refuses an existing checkpoint.

    Raises:
        InputError: a checkpoint exists although ``resume`` is False, or it does not fit this run.

    """

    def __init__(
        self,
        file: str | Path,
        objects: Mapping[str, Any],
        seed: int,
        dataset: Any = None,
        best: Engine | None = None,
        resume: bool = True,
    ) -> None:
        self.file = Path(file)
        self.objects = dict(objects)
        self.seed = seed
        self.dataset = dataset
        self.best = best
        if self.file.exists() and not resume:
            raise InputError(f"{self.file}: exists already; pass --resume true to go on, or another --output_dir")

    def attach(self, engine: Trainer) -> None:
        """Register the handler with ``engine``."""
        engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.EPOCH_STARTED, self.seed_epoch)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def seed_epoch(self, engine: Trainer) -> None:
        """Set the random states of the epoch that starts."""
        # SeedSequence-like mixing is not needed: torch's generators hash their seeds
        seed = (self.seed * 1_000_003 + engine.state.epoch) * 1_009 + get_rank()
        torch.manual_seed(seed)
        if self.dataset is not None:
            set_rnd(self.dataset, seed % 2**32)

    def save(self, engine: Trainer) -> None:
        """Save the state after an epoch."""
        if get_rank() != 0:
            return
        state = {name: item.state_dict() for name, item in self.objects.items()}
        state["progress"] = {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "epochs": engine.state.max_epochs,
            "seed": self.seed,
        }
        if self.best is not None:
            state["progress"]["best_metric"] = float(self.best.state.best_metric)
            state["progress"]["best_metric_epoch"] = int(self.best.state.best_metric_epoch)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with staged([self.file], overwrite=True) as stages:
            torch.save(state, stages[self.file])

    def load(self, engine: Trainer) -> None:
        """Load the state of an interrupted run, if there is one."""
        if not self.file.is_file():
            return
        try:
            state = torch.load(self.file, map_location="cpu", weights_only=True)
            progress = state["progress"]
        except Exception as error:
            raise InputError(
                f"{self.file}: not a checkpoint of an interrupted run; delete it to start again"
            ) from error
        for field, now in (("seed", self.seed), ("epochs", engine.state.max_epochs)):
            if progress[field] != now:
                raise InputError(f"{self.file}: {field}: the run was started with {progress[field]}, now {now}")
        for name, item in self.objects.items():
            try:
                item.load_state_dict(state[name])
            except (KeyError, RuntimeError, ValueError) as error:
                raise InputError(f"{self.file}: {name} does not fit this run; was a setting changed since?") from error
        engine.state.epoch = progress["epoch"]
        engine.state.iteration = progress["iteration"]
        if self.best is not None:
            self.best.state.best_metric = progress["best_metric"]
            self.best.state.best_metric_epoch = progress["best_metric_epoch"]
        logger.info("resumed after epoch %d from %s", progress["epoch"], self.file)
