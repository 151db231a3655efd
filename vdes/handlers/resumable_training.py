"""Resume an interrupted training, with the same results."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from ignite.distributed import get_rank, get_world_size
from ignite.engine import Engine, Events
from monai.data.utils import set_rnd
from monai.engines import Trainer

from vdes.bundle.run_settings import first_difference
from vdes.data.checkpoint import is_whole, sealed_state
from vdes.data.staging import staged
from vdes.data.training_record import TrainingRecord
from vdes.data.versions import versions
from vdes.errors import InputError
from vdes.handlers.save_weights import save_state

logger = logging.getLogger(__name__)

NOT_IN_TRAINING = ("python", "openvino")  # of the versions
ANOTHER = "expected the same; or start a new run in another --output_dir"


class ResumableTraining:
    """MONAI handler: seed every epoch, save the whole state after it, and resume from that state if there is one.

    The random states at the start of an epoch depend only on ``seed``, the rank and the epoch's number, so an
    interrupted epoch is repeated exactly, and a resumed run ends with the same weights, bit for bit, on the same
    machine with the same number of threads. An interruption while the checkpoint is written leaves the previous one.

    The checkpoint states all else that decides the numbers: the content of the data and of the weights that the
    training started from, the settings, the number of processes and of batches, the kind of device and the versions of
    the packages. A run that differs in one of them is refused with its name, before the first step, and so is a
    checkpoint that was damaged.

    Put it last in the list of handlers: everything at the end of an epoch, such as validation, must be done before it
    saves.

    Args:
        file: checkpoint, ``last.pt`` in the run's folder.
        objects: what to save and load, by name: everything with ``state_dict`` and ``load_state_dict``.
        seed: seed of the run.
        dataset: dataset of the training loader, whose random transforms are seeded if no worker process does it.
        best: an engine whose ``state.best_metric`` and ``best_metric_epoch`` decide which weights are kept.
        resume: False starts a new run and refuses an existing checkpoint.
        record: the data, and the weights that the training starts from; None if neither comes from a file.
        settings: what else decides the numbers, see `vdes.bundle.run_settings`.

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
        record: TrainingRecord | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.file = Path(file)
        self.objects = dict(objects)
        self.seed = seed
        self.dataset = dataset
        self.best = best
        self.record = record
        self.settings = dict(settings or {})
        self.run: dict[str, Any] = {}
        self.resume = resume
        self._check_new()

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
        state["run"] = self.run
        state["progress"] = {"epoch": engine.state.epoch, "iteration": engine.state.iteration}
        if self.best is not None:
            state["progress"]["best_metric"] = float(self.best.state.best_metric)
            state["progress"]["best_metric_epoch"] = int(self.best.state.best_metric_epoch)
            state["progress"]["validated_epoch"] = int(self.best.state.epoch)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with staged([self.file], overwrite=True) as stages:
            save_state(sealed_state(state), stages[self.file])

    def load(self, engine: Trainer) -> None:
        """Load the state of an interrupted run, if there is one."""
        self.run = self._described(engine)
        self._check_new()  # again, because another run may have begun and ended in the mean time
        if not self.file.is_file():
            return
        try:
            state = torch.load(self.file, map_location="cpu", weights_only=True)
            progress, run = state["progress"], state["run"]
        except Exception as error:
            raise InputError(
                f"{self.file}: not a checkpoint of an interrupted run; delete it to start again"
            ) from error
        self._compare(run)
        if not is_whole(state):
            raise InputError(f"{self.file}: is damaged: its content has changed since; delete it to start again")
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
            self.best.state.epoch = progress["validated_epoch"]
        logger.info("resumed after epoch %d from %s", progress["epoch"], self.file)

    def _check_new(self) -> None:
        if self.file.exists() and not self.resume:
            raise InputError(f"{self.file}: exists already; pass --resume true to go on, or another --output_dir")

    def _compare(self, run: Mapping[str, Any]) -> None:
        """Refuse a checkpoint of a run that is described otherwise."""
        if run.get("data_sha256") != self.run["data_sha256"]:
            raise InputError(
                f"{self.file}: dataset_dir: not the training and validation data that the run was started with; "
                + ANOTHER
            )
        found = first_difference(run, self.run)
        if found is not None:
            name, was, now = found
            # settings and versions are named as users know them
            name = name.removeprefix("settings#").removeprefix("versions#")
            raise InputError(f"{self.file}: {name}: the run was started with {_told(was)}, now {_told(now)}; {ANOTHER}")

    def _described(self, engine: Trainer) -> dict[str, Any]:
        """Return what decides the numbers of this run; the first process describes it for all."""
        described: list[Any] = [None]
        record, settings = self.record, self.settings
        if record is not None:
            record.check_weights()  # they are loaded by now
        if get_rank() == 0:
            ancestors = record.ancestors_sha256 if record else {}
            described[0] = {
                "data_sha256": record.data_sha256 if record else None,
                "seed": self.seed,
                "epochs": engine.state.max_epochs,
                "processes": get_world_size(),
                **ancestors,
                # weights are compared by their content, not by their path
                "settings": {name: value for name, value in settings.items() if ancestors.get(name) is None},
                "batches in an epoch": engine.state.epoch_length,
                "device": torch.device(engine.state.device).type,
                "versions": {name: value for name, value in versions().items() if name not in NOT_IN_TRAINING},
            }
        if get_world_size() > 1:
            dist.broadcast_object_list(described, src=0)
        run: dict[str, Any] = described[0]
        if record is not None:
            own = {"data_sha256": record.data_sha256, **record.ancestors_sha256}
            if any(run[name] != sha256 for name, sha256 in own.items()):
                raise InputError(
                    f"{record.datalist}: images or weights were changed while the processes read them; "
                    "run it again when their content is final"
                )
        return run


def _told(value: Any) -> str:
    """Return a value for a message, shortened."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
