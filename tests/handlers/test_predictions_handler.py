from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator

from vdes.data.levels import LEVEL_FIELDS, with_levels
from vdes.errors import InputError
from vdes.handlers.predictions_handler import PredictionsHandler
from vdes.metrics.level_predictions import case_row, level_predictions, with_probabilities
from vdes.statistics.predictions import known_cases

COLUMNS = [
    "level", "case", "patient", "laterality", "malignant", "logit", "inputs", "probability", "threshold", "prediction",
]  # fmt: skip


@pytest.fixture
def network(small_classifier):
    """A calibrated network whose images differ."""
    made = small_classifier().eval()
    made.head[-1].weight.data *= 10
    made.temperature.copy_(torch.tensor([2.0, 0.5, 3.0]))
    made.threshold.copy_(torch.tensor([0.4, 0.5, 0.7]))
    return made


def evaluate(network: torch.nn.Module, views: list[dict[str, Any]], handler: PredictionsHandler) -> None:
    SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(views, batch_size=4),
        network=network,
        val_handlers=[handler],
    ).run()


def test_every_image_breast_and_examination_gets_its_calibrated_prediction(network, views, tmp_path):
    folder = tmp_path / "made" / "here"
    evaluate(network, views, PredictionsHandler(folder))
    written = pd.read_csv(folder / "predictions.csv")
    assert written.columns.tolist() == COLUMNS
    assert written["level"].value_counts().to_dict() == {"image": 30, "breast": 20, "examination": 10}
    with torch.no_grad():
        rows = [case_row({**view, "pred": network(view["image"][None])[0]}) for view in views]
    expected = with_probabilities(level_predictions(rows), [2.0, 0.5, 3.0], network.threshold.tolist())
    pd.testing.assert_frame_equal(
        written, expected.replace({"laterality": {"": np.nan}}), check_dtype=False, rtol=1e-4, atol=1e-5
    )
    assert 0 < written["prediction"].mean() < 1
    assert set(written["inputs"]) == {"low_energy", "des", "low_energy+des"}
    # and it is a table that the statistics take
    assert len(known_cases(written)) == 60


def test_images_of_nobody_known_have_a_row_each(network, views, tmp_path):
    unknown = [with_levels({"case": view["case"]}) for view in views[:5]]
    evaluate(
        network,
        [
            {**{field: item[field] for field in LEVEL_FIELDS}, "image": view["image"]}
            for item, view in zip(unknown, views, strict=False)
        ],
        PredictionsHandler(tmp_path),
    )
    written = pd.read_csv(tmp_path / "predictions.csv")
    assert written["case"].tolist() == ["c0", "c1", "c2", "c3", "c4"]
    assert written[["patient", "laterality", "malignant"]].isna().all(axis=None)
    assert written["probability"].between(0, 1).all()


def test_a_handler_starts_afresh_and_replaces_only_when_told(network, views, tmp_path):
    handler = PredictionsHandler(tmp_path)
    evaluate(network, views[:6], handler)
    before = (tmp_path / "predictions.csv").read_bytes()
    with pytest.raises(InputError, match=r"predictions\.csv: exists already; name another output_dir or set overwrite"):
        evaluate(network, views[:3], handler)
    assert (tmp_path / "predictions.csv").read_bytes() == before
    handler.overwrite = True
    evaluate(network, views[:3], handler)
    assert (pd.read_csv(tmp_path / "predictions.csv")["level"] == "image").sum() == 3
    assert [file.name for file in tmp_path.iterdir()] == ["predictions.csv"]


def test_a_run_that_fails_writes_nothing(network, views, tmp_path):
    broken = [*views[:4], {**views[4], "image": torch.full((2, 64, 64), torch.nan)}]
    with pytest.raises(InputError, match="both inputs are absent"):
        evaluate(network, broken, PredictionsHandler(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


class Diverged(torch.nn.Module):
    """A classifier whose outputs are not finite for some images."""

    def __init__(self, network: torch.nn.Module, images: list[torch.Tensor], value: float) -> None:
        super().__init__()
        self.network, self.images, self.value = network, images, value
        self.temperature, self.threshold = network.temperature, network.threshold

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        output = self.network(image)
        for i, one in enumerate(image):
            if any(torch.equal(one.nan_to_num(), other.nan_to_num()) for other in self.images):
                output[i, 0] = self.value
        return output


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_examination_whose_output_is_not_finite_is_left_out_and_named(network, views, tmp_path, value):
    """A NaN would be the prediction 0, not malignant."""
    evaluate(network, views, PredictionsHandler(tmp_path / "whole"))
    whole = pd.read_csv(tmp_path / "whole" / "predictions.csv")
    bad = views[7]
    with pytest.raises(InputError, match=rf"^case {bad['case']}: the network's output has values that are not finite$"):
        evaluate(Diverged(network, [bad["image"]], value), views, PredictionsHandler(tmp_path / "out"))
    written = pd.read_csv(tmp_path / "out" / "predictions.csv")
    others = whole[whole["patient"] != bad["patient"]].reset_index(drop=True)
    assert 0 < len(others) < len(whole)
    pd.testing.assert_frame_equal(written, others)


def test_without_a_finite_output_there_is_no_table(network, views, tmp_path):
    with pytest.raises(InputError, match=r"^30 cases failed: case .*; and 25 more$"):
        evaluate(
            Diverged(network, [view["image"] for view in views], np.nan), views, PredictionsHandler(tmp_path / "out")
        )
    assert not (tmp_path / "out").exists()


def test_a_table_of_an_earlier_run_does_not_pass_for_that_of_one_that_failed(network, views, tmp_path):
    evaluate(network, views[:3], PredictionsHandler(tmp_path))
    broken = Diverged(network, [view["image"] for view in views[:3]], np.nan)
    table = tmp_path / "predictions.csv"
    with pytest.raises(InputError, match=rf"3 cases failed: .* not finite; {table} of an earlier run removed$"):
        evaluate(broken, views[:3], PredictionsHandler(tmp_path, overwrite=True))
    assert not table.exists()
