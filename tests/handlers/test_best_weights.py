from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.engines import SupervisedEvaluator
from monai.handlers import MeanAbsoluteError, from_engine
from torch import nn

from vdes.data.checkpoint import sealed_state
from vdes.data.training_record import TrainingRecord, read_record
from vdes.handlers.best_weights import BestWeights


class Level(nn.Module):
    """Predict one level everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.zeros(()))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.level + 0 * image


def evaluator(file: Path, network: Level, datalist: Path) -> SupervisedEvaluator:
    """Compare a level with 0.5; less is better."""
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=[{"image": torch.zeros(1, 1, 4, 4), "label": torch.full((1, 1, 4, 4), 0.5)}],
        network=network,
        key_val_metric={"mae": MeanAbsoluteError(output_transform=from_engine(["pred", "label"]))},
        val_handlers=[BestWeights(file, network, TrainingRecord(datalist))],
        metric_cmp_fn=lambda current, best: current < best,
    )


@pytest.mark.parametrize(
    ("levels", "kept"),
    [
        ((0.0, 0.4, 0.45, 0.3, 0.9), (0.0, 0.4, 0.45, 0.45, 0.45)),
        ((0.3, 0.3, 0.9, 0.6), (0.3, 0.3, 0.3, 0.6)),
    ],
)
def test_weights_are_saved_when_the_metric_improves_and_only_then(tmp_path, small_datalist, levels, kept):
    file = tmp_path / "made" / "model.pt"
    network = Level()
    validator = evaluator(file, network, small_datalist)
    for epoch, (level, best) in enumerate(zip(levels, kept, strict=True), start=1):
        network.level.data.fill_(level)
        validator.run(epoch)
        assert float(torch.load(file, weights_only=True)["level"]) == pytest.approx(best)
    assert sorted(file.parent.iterdir()) == [file.with_suffix(".json"), file]
    record = read_record(file)
    assert record["images"] == TrainingRecord(small_datalist).content["images"]


def save_sealed(checkpoint, file):
    """Write a changed checkpoint as one that was not damaged."""
    torch.save(sealed_state({name: value for name, value in checkpoint.items() if name != "sha256"}), file)


def test_a_resumed_run_does_not_overwrite_better_weights(make_run):
    first = make_run("run")(stop_after=2)
    better = first.best_file.read_bytes()
    checkpoint = torch.load(first.file)
    checkpoint["progress"]["best_metric"] = 0.0  # nothing that follows can be better
    checkpoint["progress"]["best_metric_epoch"] = 1
    save_sealed(checkpoint, first.file)
    second = make_run("run")()
    assert second.trainer.state.epoch == 4
    assert second.best_file.read_bytes() == better

    # whereas a run that knows of no better one saves
    checkpoint["progress"]["best_metric"] = 1e6
    save_sealed(checkpoint, first.file)
    assert make_run("run")().best_file.read_bytes() != better
