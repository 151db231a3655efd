"""A training run in small, and cases as a MONAI evaluator reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Events
from ignite.handlers import EMAHandler
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import LrScheduleHandler, MeanAbsoluteError, from_engine
from monai.transforms import Compose, RandFlipd, RandGaussianNoised
from scipy.ndimage import gaussian_filter
from torch import nn

from vdes.data.levels import LEVEL_FIELDS, with_levels
from vdes.data.training_record import TrainingRecord
from vdes.handlers.best_weights import BestWeights
from vdes.handlers.regular_validation import RegularValidation
from vdes.handlers.resumable_training import ResumableTraining

TOTAL_EPOCHS = 4
SIZE = (64, 48)


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
        interval: int = 1,
        batch_size: int = 2,
        settings: dict[str, Any] | None = None,
        start: Path | None = None,
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
        loader = DataLoader(
            dataset, batch_size=batch_size, shuffle=True, drop_last=batch_size > 5, num_workers=num_workers
        )
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=0.02)
        steps = TOTAL_EPOCHS * max(1, len(loader))
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=steps)
        ema = EMAHandler(self.network, momentum=0.2, handle_buffers="update")
        self.averaged = ema.ema_model
        self.best_file = folder / "model.pt"
        self.record = TrainingRecord(datalist, {"initial_weights": start})
        self.validator = SupervisedEvaluator(
            device=torch.device("cpu"),
            val_data_loader=DataLoader(Dataset(data[5:]), batch_size=2),
            network=self.averaged,
            key_val_metric={"mae": MeanAbsoluteError(output_transform=from_engine(["pred", "label"]))},
            val_handlers=[BestWeights(self.best_file, self.averaged, self.record)],
            metric_cmp_fn=lambda current, best: current < best,
        )
        self.file = folder / "run" / "last.pt"
        self.losses: list[float] = []
        objects = {"network": self.network, "ema": self.averaged, "optimizer": optimizer, "lr_scheduler": schedule}
        self.handler = ResumableTraining(
            self.file, objects, seed, dataset, self.validator, resume, self.record, settings or {"learning_rate": 0.02}
        )
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
                RegularValidation(self.validator, interval),
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
        return Run(tmp_path / name, settings.pop("datalist", small_datalist), epochs, **settings)

    return make


@pytest.fixture()
def cases() -> list[dict[str, Any]]:
    """Five cases of three patients; the last has no lesion."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    breast = torch.from_numpy(((rows - 32) / 30) ** 2 + (columns / 44) ** 2 < 1)[None].float()
    made = []
    for i, patient in enumerate(("P1", "P1", "P2", "P3", "P3")):
        drawn = (torch.from_numpy(np.hypot(rows - 30, columns - shift) < 6)[None].float() for shift in (16, 18))
        lesion, des_lesion = (mask * (i < 4) for mask in drawn)
        texture = torch.from_numpy(gaussian_filter(rng.standard_normal(SIZE), 2)[None]).float()
        label = breast * (0.4 + 0.5 * texture + 0.2 * des_lesion).clip(0, 1)
        made.append(
            {
                "case": f"{patient}_{'LR'[i % 2]}_CC",
                "patient": patient,
                "image": breast * (0.5 + 0.8 * texture + 0.2 * lesion).clip(0, 1),
                "label": label,
                "breast_mask": breast,
                "lesion_mask": lesion,
                "des_lesion_mask": des_lesion,
            }
        )
    return made


@pytest.fixture()
def views() -> list[dict[str, Any]]:
    """A classifier's cases: ten patients with three views of two breasts, every other patient with a brighter one."""
    generator = torch.Generator().manual_seed(1)
    made = []
    for i in range(30):
        pathology = "malignant" if i // 3 % 2 and i % 3 == 1 else "benign"
        fields = {"case": f"c{i}", "patient": f"P{i // 3}", "laterality": "LLR"[i % 3], "pathology": pathology}
        item = with_levels(fields)
        contrast = 0.2 + 0.3 * (pathology == "malignant") + 0.5 * torch.rand(1, generator=generator)
        image = contrast * torch.rand(2, 64, 64, generator=generator)
        if i % 5 == 0:
            image[i % 2] = torch.nan
        made.append({**{field: item[field] for field in LEVEL_FIELDS}, "image": image})
    return made
