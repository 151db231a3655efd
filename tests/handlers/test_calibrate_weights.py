from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.inferers import SimpleInferer
from scipy.special import expit
from sklearn.metrics import f1_score, log_loss

from vdes.data.levels import LEVEL_FIELDS, with_levels
from vdes.data.training_record import TrainingRecord, read_record
from vdes.errors import InputError
from vdes.handlers.calibrate_weights import calibrate_weights
from vdes.metrics.level_predictions import case_row, level_predictions, with_probabilities
from vdes.networks.lesion_classifier import LesionClassifier
from vdes.networks.weights import load_weights

LEVELS = ("image", "breast", "examination")


def validation(pathologies: list[str | None] | None = None) -> list[dict[str, Any]]:
    """Images of eight patients, a breast of two views and one of a single view; some lack an input."""
    generator = torch.Generator().manual_seed(1)
    cases = []
    for i in range(24):
        patient, laterality = f"P{i // 3}", "LLR"[i % 3]
        given = pathologies[i] if pathologies else ("malignant" if i // 3 % 2 and i % 3 else "benign")
        item = with_levels({"case": f"c{i}", "patient": patient, "laterality": laterality, "pathology": given})
        contrast = 0.2 + 0.4 * (given == "malignant") + 0.4 * torch.rand(1, generator=generator)
        image = contrast * torch.rand(2, 64, 64, generator=generator)
        if i % 5 == 0:
            image[i % 2] = torch.nan
        cases.append({**{field: item[field] for field in LEVEL_FIELDS}, "image": image})
    return cases


@pytest.fixture
def weights(small_classifier, tmp_path: Path) -> Path:
    """Weights that say nothing of validation yet."""
    network = small_classifier()
    network.head[-1].weight.data *= 20  # much too sure
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return tmp_path / "model.pt"


@pytest.fixture
def calibrate(small_datalist: Path) -> Callable[..., LesionClassifier]:
    """Calibrate in a new network, the weights themselves unless told, and return what the file holds then."""
    record = TrainingRecord(small_datalist)

    def calibrate(
        weights: Path, cases: list[dict[str, Any]], target: Path | None = None, batch_size: int = 5
    ) -> LesionClassifier:
        network, calibrated = LesionClassifier(size=64, channels=8), target or weights
        calibrate_weights(weights, calibrated, network, cases, SimpleInferer(), "cpu", record, batch_size)
        return load_weights(LesionClassifier(size=64, channels=8), calibrated)

    return calibrate


def predictions(file: Path, cases: list[dict[str, Any]]):
    network = load_weights(LesionClassifier(size=64, channels=8), file).eval()
    with torch.no_grad():
        rows = [case_row({**case, "pred": network(case["image"][None])[0]}) for case in cases]
    return level_predictions(rows)


def test_temperature_and_threshold_are_the_best_of_each_level(calibrate, weights):
    cases = validation()
    table = predictions(weights, cases)
    network = calibrate(weights, cases)
    assert len({*network.temperature.tolist(), 1.0}) == 4
    found = with_probabilities(table, network.temperature.tolist(), network.threshold.tolist())
    for i, level in enumerate(LEVELS):
        rows = found[found["level"] == level]
        losses = [log_loss(rows["malignant"], expit(rows["logit"] / t)) for t in np.geomspace(0.1, 10, 100)]
        assert log_loss(rows["malignant"], rows["probability"]) <= min(losses) + 1e-6
        scores = [f1_score(rows["malignant"], rows["probability"] >= p) for p in sorted(rows["probability"])]
        assert f1_score(rows["malignant"], rows["prediction"]) == pytest.approx(max(scores))
        assert 0 < float(network.threshold[i]) < 1


def test_nothing_else_of_the_weights_changes(calibrate, weights):
    before = torch.load(weights, weights_only=True)
    network = calibrate(weights, validation())
    after = network.state_dict()
    assert before.keys() == after.keys()
    changed = [name for name, value in before.items() if not torch.equal(value, after[name])]
    assert changed == ["temperature", "threshold"]
    assert sorted(weights.parent.iterdir()) == [weights.with_suffix(".json"), weights]
    assert read_record(weights)["patients"] == 4  # the record belongs to the new weights


def test_the_calibrated_weights_may_be_another_file(calibrate, weights):
    before = weights.read_bytes()
    target = weights.with_name("calibrated.pt")
    found = calibrate(weights, validation(), target)
    assert weights.read_bytes() == before
    assert torch.equal(found.temperature, calibrate(weights, validation()).temperature)


def test_a_second_time_gives_the_same_file(calibrate, weights):
    cases = validation()
    calibrate(weights, cases)
    first = weights.read_bytes()
    calibrate(weights, cases)
    assert weights.read_bytes() == first
    # nor does the size of batches matter
    again = calibrate(weights, cases, batch_size=24)
    torch.testing.assert_close(again.temperature, torch.load(weights)["temperature"])


def test_cases_of_unknown_pathology_say_nothing(calibrate, weights):
    cases = validation()
    expected = calibrate(weights, cases[:18])
    temperature, threshold = expected.temperature.clone(), expected.threshold.clone()
    unknown = [{**case, "malignant": float("nan")} for case in cases[18:]]
    found = calibrate(weights, cases[:18] + unknown)
    torch.testing.assert_close(found.temperature, temperature)
    torch.testing.assert_close(found.threshold, threshold)


def test_a_level_of_one_class_keeps_one_and_one_half(calibrate, weights, caplog):
    # a malignant image in every examination, and breasts without
    cases = validation(["malignant", "benign", "normal"] * 8)
    network = load_weights(LesionClassifier(size=64, channels=8), weights)
    network.temperature.fill_(3.0)  # of an earlier calibration
    network.threshold.fill_(0.9)
    torch.save(network.state_dict(), weights)
    with caplog.at_level(logging.WARNING, "vdes.handlers.calibrate_weights"):
        found = calibrate(weights, cases)
    assert caplog.messages == ["examination: one class only in validation, not calibrated"]
    assert (float(found.temperature[2]), float(found.threshold[2])) == (1.0, 0.5)
    assert not (found.temperature[:2] == 1).any()


def test_images_of_no_patient_calibrate_their_level_alone(calibrate, weights, caplog):
    cases = [
        {**case, "patient": "", "laterality": "", "breast": case["case"], "examination": case["case"]}
        for case in validation()
    ]
    with caplog.at_level(logging.WARNING, "vdes.handlers.calibrate_weights"):
        found = calibrate(weights, cases)
    assert len(caplog.messages) == 2
    assert found.temperature[1:].tolist() == [1.0, 1.0]
    assert float(found.temperature[0]) != 1.0


def test_weights_that_are_missing_or_of_another_network_are_left_alone(calibrate, small_classifier, weights, tmp_path):
    with pytest.raises(InputError, match=r"no file .*none\.pt"):
        calibrate(tmp_path / "none.pt", validation())
    torch.save(small_classifier(channels=16).state_dict(), weights)
    before = weights.read_bytes()
    with pytest.raises(InputError, match="has shape"):
        calibrate(weights, validation())
    assert weights.read_bytes() == before
