from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from sklearn.metrics import f1_score, roc_auc_score

from vdes.errors import InputError
from vdes.handlers.classification_handler import ClassificationHandler
from vdes.handlers.classification_table import classification_table
from vdes.statistics.classification_summary import classification_summary

PROVENANCE = {"data": "few", "section": "test", "weights_sha256": "0" * 64}


@pytest.fixture
def network(small_classifier):
    """A network whose images differ."""
    made = small_classifier().eval()
    made.head[-1].weight.data *= 10
    return made


def evaluate(network: torch.nn.Module, views: list[dict[str, Any]], handler: ClassificationHandler) -> None:
    SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(views, batch_size=8),
        network=network,
        val_handlers=[handler],
    ).run()


def test_an_evaluation_writes_the_predictions_their_summary_and_its_provenance(network, views, tmp_path, capsys):
    evaluate(network, views, ClassificationHandler(tmp_path, PROVENANCE, n_resamples=200, seed=5))
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    result = json.loads((tmp_path / "classification.json").read_text())
    assert result["provenance"] == PROVENANCE
    assert result["interval"] == {
        "method": "percentile bootstrap, patients resampled with all of their cases",
        "level": 0.95,
        "n_resamples": 200,
        "seed": 5,
    }
    summary = classification_summary(predictions, 200, 5)
    pd.testing.assert_frame_equal(pd.DataFrame(result["summary"]), summary, check_dtype=False, rtol=1e-6)
    assert capsys.readouterr().out == classification_table(summary) + "\n"
    by_key = {(row["level"], row["metric"]): row for row in result["summary"]}
    for level, cases in (("image", 30), ("breast", 20), ("examination", 10)):
        rows = predictions[predictions["level"] == level]
        auc, f1 = by_key[level, "auc"], by_key[level, "f1"]
        assert auc["value"] == pytest.approx(roc_auc_score(rows["malignant"], rows["logit"]))
        assert f1["value"] == pytest.approx(f1_score(rows["malignant"], rows["prediction"]))
        assert (auc["cases"], auc["patients"], auc["positives"]) == (cases, 10, rows["malignant"].sum())


def test_the_same_evaluation_writes_the_same_bytes(network, views, tmp_path):
    for name in ("first", "second"):
        evaluate(network, views, ClassificationHandler(tmp_path / name, PROVENANCE, n_resamples=50))
    for file in ("predictions.csv", "classification.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_intervals_that_do_not_exist_are_null(network, views, tmp_path):
    # a single patient: nothing to resample
    evaluate(network, views[3:6], ClassificationHandler(tmp_path, PROVENANCE, n_resamples=50))
    rows = json.loads((tmp_path / "classification.json").read_text())["summary"]
    assert {row["level"] for row in rows} == {"image", "breast"}
    assert all(row["low"] is None and row["high"] is None for row in rows)
    assert isinstance(rows[0]["cases"], int)


def test_a_level_of_one_class_is_left_out_and_told(network, views, tmp_path, caplog):
    # a malignant breast in every examination
    malignant = [view for i, view in enumerate(views) if i // 3 % 2]
    with caplog.at_level(logging.WARNING, "vdes.handlers.classification_handler"):
        evaluate(network, malignant, ClassificationHandler(tmp_path, PROVENANCE, n_resamples=50))
    assert caplog.messages == ["examination: one class only, not scored"]
    rows = json.loads((tmp_path / "classification.json").read_text())["summary"]
    assert list(dict.fromkeys(row["level"] for row in rows)) == ["image", "breast"]
    assert set(pd.read_csv(tmp_path / "predictions.csv")["level"]) == {"image", "breast", "examination"}


@pytest.mark.parametrize("malignant", [0.0, 1.0, np.nan])
def test_cases_of_one_class_are_refused_and_nothing_is_written(network, views, tmp_path, malignant):
    same = [{**view, "malignant": malignant} for view in views[:6]]
    with pytest.raises(InputError, match="predictions: expected malignant and other cases"):
        evaluate(network, same, ClassificationHandler(tmp_path, PROVENANCE))
    assert not list(tmp_path.iterdir())


def test_either_file_of_an_earlier_run_is_kept_unless_told(network, views, tmp_path):
    for file in ("predictions.csv", "classification.json"):
        folder = tmp_path / file[:4]
        folder.mkdir()
        (folder / file).write_text("mine")
        with pytest.raises(InputError, match=rf"{file}: exists already"):
            evaluate(network, views, ClassificationHandler(folder, PROVENANCE))
        assert (folder / file).read_text() == "mine" and len(list(folder.iterdir())) == 1
        evaluate(network, views, ClassificationHandler(folder, PROVENANCE, n_resamples=50, overwrite=True))
        assert (folder / file).read_text() != "mine" and len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("wrong", [{"when": object()}, {"loss": float("nan")}])
def test_provenance_that_json_cannot_hold_is_refused_before_the_work(network, views, tmp_path, wrong):
    with pytest.raises(InputError, match="provenance: expected what JSON can hold"):
        evaluate(network, [{}], ClassificationHandler(tmp_path, wrong))
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_not_finite_leaves_no_evaluation(network, views, tmp_path):
    """Metrics of the other cases would pass for those of all."""
    network.register_forward_hook(lambda _network, _inputs, output: output.index_fill(0, torch.tensor([0]), torch.nan))
    with pytest.raises(
        InputError, match=r"^4 cases failed: case .*: the network's output has values that are not finite"
    ):
        evaluate(network, views, ClassificationHandler(tmp_path / "out", PROVENANCE, n_resamples=50))
    assert not (tmp_path / "out").exists()
