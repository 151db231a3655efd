"""A training run in small: random transforms, dropout, batch normalisation, a schedule and a moving average."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Events
from ignite.handlers import EMAHandler
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import LrScheduleHandler, MeanAbsoluteError, ValidationHandler, from_engine
from monai.transforms import Compose, RandFlipd, RandGaussianNoised
from torch import nn

from vdes.engines.best_weights import BestWeights
from vdes.engines.resumable_training import ResumableTraining

TOTAL_EPOCHS = 4


class Run:
    """All objects of a run, made anew as a new process would."""

    def __init__(
        self,
        folder: Path,
        datalist: Path,
        epochs: int,
        seed: int = 3,
        num_workers: int = 0,
        width: int = 6,
        resume: bool = True,
    ) -> None:
        torch.manual_seed(17)  # the initial weights; the run's own seed is the handler's
        self.network = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout2d(0.3),
            nn.Conv2d(width, 1, 3, padding=1),
        )
        torch.manual_seed(torch.seed() % 2**31)  # whatever came before must not matter
        images = torch.rand(7, 1, 12, 10, generator=torch.Generator().manual_seed(5))
        data = [{"image": image, "label": 1 - image} for image in images]
        augment = Compose(
            [RandFlipd(["image", "label"], prob=0.5, spatial_axis=0), RandGaussianNoised("image", prob=0.5, std=0.1)]
        )
        dataset = Dataset(data[:5], augment)
        loader = DataLoader(dataset, batch_size=2, shuffle=True, num_workers=num_workers)
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=0.02)
        steps = TOTAL_EPOCHS * len(loader)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=steps)
        ema = EMAHandler(self.network, momentum=0.2, handle_buffers="update")
        self.averaged = ema.ema_model
        self.best_file = folder / "model.pt"
        self.validator = SupervisedEvaluator(
            device=torch.device("cpu"),
            val_data_loader=DataLoader(Dataset(data[5:]), batch_size=2),
            network=self.averaged,
            key_val_metric={"mae": MeanAbsoluteError(output_transform=from_engine(["pred", "label"]))},
            val_handlers=[BestWeights(self.best_file, self.averaged, datalist)],
            metric_cmp_fn=lambda current, best: current < best,
        )
        self.file = folder / "run" / "last.pt"
        self.losses: list[float] = []
        objects = {"network": self.network, "ema": self.averaged, "optimizer": optimizer, "lr_scheduler": schedule}
        self.handler = ResumableTraining(self.file, objects, seed, dataset, best=self.validator, resume=resume)
        self.trainer = SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=epochs,
            train_data_loader=loader,
            network=self.network,
            optimizer=optimizer,
            loss_function=nn.MSELoss(),
            train_handlers=[
                ema,
                LrScheduleHandler(schedule, print_lr=False, epoch_level=False),
                ValidationHandler(1, self.validator),
                self.handler,
            ],
        )

    def __call__(self, stop_after: int | None = None) -> Run:
        """Train to the end, or stop after an epoch as an interruption would, and return the run."""
        if stop_after is not None:
            self.trainer.add_event_handler(Events.EPOCH_COMPLETED(once=stop_after), lambda engine: engine.terminate())
        self.trainer.run()
        return self

    def state(self) -> dict[str, Any]:
        """Return all that a later epoch depends on."""
        return {name: item.state_dict() for name, item in self.handler.objects.items()}


@pytest.fixture
def make_run(tmp_path: Path, small_datalist: Path) -> Callable[..., Run]:
    """Make the objects of a run in a folder of the given name."""

    def make(name: str, epochs: int = TOTAL_EPOCHS, **settings: Any) -> Run:
        (tmp_path / name).mkdir(exist_ok=True)
        return Run(tmp_path / name, small_datalist, epochs, **settings)

    return make
