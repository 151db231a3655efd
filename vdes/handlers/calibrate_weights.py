"""Store temperatures and thresholds from validation in a classifier's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer
from torch.utils.data import Dataset

from vdes.data.training_record import TrainingRecord
from vdes.handlers.level_calibration import level_calibration
from vdes.handlers.save_weights import save_weights
from vdes.metrics.decollated import decollated_cases
from vdes.metrics.level_predictions import case_row, level_predictions
from vdes.networks.lesion_classifier import LesionClassifier
from vdes.networks.weights import load_weights


def calibrate_weights(
    weights: str | Path,
    calibrated: str | Path,
    network: LesionClassifier,
    dataset: Dataset,
    inferer: Inferer,
    device: str | torch.device,
    record: TrainingRecord,
    batch_size: int = 16,
) -> None:
    """Fit temperature and threshold of each level on the validation cases, and write weights that include them.

    They are those of `vdes.handlers.level_calibration.level_calibration`. Repeating it gives the same file.

    Args:
        weights: the file of the weights.
        calibrated: the file to write, in one step; it may be the same. Its folder is created if it is missing.
        network: a network for these weights; it is changed.
        dataset: validation cases with ``image`` and the fields of `vdes.data.levels`.
        inferer: as in validation.
        device: where to run.
        record: where the written weights come from; the validation cases are part of it.
        batch_size: images at a time.

    Raises:
        InputError: the file is missing, does not fit the network or was replaced meanwhile.

    """
    load_weights(network, weights).to(device)
    record.check_weights()
    rows: list[dict[str, Any]] = []

    def keep(engine: Engine) -> None:
        rows.extend(case_row(case) for case in decollated_cases(engine))

    evaluator = SupervisedEvaluator(
        device=torch.device(device),
        val_data_loader=DataLoader(dataset, batch_size=batch_size),
        network=network,
        inferer=inferer,
    )
    evaluator.add_event_handler(Events.ITERATION_COMPLETED, keep)
    evaluator.run()
    temperatures, thresholds = level_calibration(level_predictions(rows))
    network.temperature.copy_(torch.tensor(temperatures))
    network.threshold.copy_(torch.tensor(thresholds))
    target = Path(calibrated)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_weights(network.state_dict(), target, record.content)
