from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from sklearn.metrics import roc_auc_score

from vdes.data.levels import LEVEL_FIELDS, with_levels
from vdes.data.vocabulary import PATHOLOGIES
from vdes.metrics.level_auc import LevelAUC

LEVELS = ("image", "breast", "examination")


class Shown(torch.nn.Module):
    """Return what is written in the image: a logit and two scores."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image[:, 0, 0, 1:]


def labels(case: str, pathology: str | None, patient: str = "", laterality: str = "") -> dict[str, Any]:
    item = with_levels({"case": case, "patient": patient, "laterality": laterality, "pathology": pathology})
    return {field: item[field] for field in LEVEL_FIELDS}


def views(unknown: bool = False) -> list[dict[str, Any]]:
    """Thirty images of eight patients, two breasts each; logits are a little larger where it is malignant."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(30):
        patient, laterality = i % 8, "LR"[i // 8 % 2]
        pathology = ("malignant" if rng.random() < 0.7 else "normal") if patient % 2 else "benign"
        if unknown and i % 5 == 0:
            pathology = None
        image = torch.zeros(2, 2, 4)
        image[0, 0, 1:] = torch.from_numpy(rng.normal((0.8 * (pathology == "malignant"), 0, 0), 1))
        made.append({**labels(f"c{i}", pathology, f"P{patient}", laterality), "image": image})
    return made


def evaluated(cases: list[dict[str, Any]], batch_size: int = 7) -> dict[str, float]:
    metrics = {level: LevelAUC(level) for level in LEVELS}
    for data in ([{**case, "malignant": 1 - case["malignant"]} for case in cases], cases):
        evaluator = SupervisedEvaluator(
            device=torch.device("cpu"),
            val_data_loader=DataLoader(data, batch_size=batch_size),
            network=Shown(),
            key_val_metric={"image": metrics["image"]},
            additional_metrics={level: metrics[level] for level in LEVELS[1:]},
        )
        evaluator.run()  # the second run forgets the first
    return {level: evaluator.state.metrics[level] for level in LEVELS}


def expected(cases: list[dict[str, Any]], level: str) -> float:
    """The area by scikit-learn, after softmax-weighted means by NumPy."""
    breasts: dict[str, list[dict]] = {}
    for case in cases:
        breasts.setdefault(case["breast"], []).append(case)
    labels, logits, scores, of = [], [], [], []
    for name, group in breasts.items():
        output = np.stack([case["image"][0, 0, 1:].numpy().astype(float) for case in group])
        weights = np.exp(output[:, 1]) / np.exp(output[:, 1]).sum()
        found = [case["malignant"] for case in group]
        labels.append(1.0 if 1.0 in found else max(found) if not np.isnan(found).any() else np.nan)
        logits.append(weights @ output[:, 0])
        scores.append(weights @ output[:, 2])
        of.append(name[:2])
    if level == "image":
        labels, logits = [case["malignant"] for case in cases], [float(case["image"][0, 0, 1]) for case in cases]
    elif level == "examination":
        groups = [np.flatnonzero(np.array(of) == patient) for patient in dict.fromkeys(of)]
        weights = [np.exp(np.take(scores, group)) for group in groups]
        logits = [w @ np.take(logits, group) / w.sum() for w, group in zip(weights, groups, strict=True)]
        labels = [
            1.0 if (np.take(labels, group) == 1).any() else np.take(labels, group).max() for group in groups
        ]  # NumPy's max is NaN where one is
    known = ~np.isnan(labels)
    return float(roc_auc_score(np.array(labels)[known], np.array(logits)[known]))


@pytest.mark.parametrize("unknown", [False, True])
def test_each_level_has_the_area_of_scikit_learn_over_what_is_known(unknown):
    cases = views(unknown)
    found = evaluated(cases)
    for level in LEVELS:
        assert found[level] == pytest.approx(expected(cases, level), abs=1e-12)
        assert 0 < found[level] < 1
    assert len({round(value, 6) for value in found.values()}) == 3


def test_batches_do_not_matter():
    cases = views()
    assert evaluated(cases, batch_size=1) == evaluated(cases, batch_size=30)


def test_one_class_or_no_known_case_has_no_area():
    cases = views()
    for malignant in (1.0, 0.0, np.nan):
        same = [{**case, "malignant": malignant} for case in cases]
        assert all(np.isnan(value) for value in evaluated(same).values())
    # images of no patient: the image's level alone is known
    alone = [{**case, **labels(case["case"], PATHOLOGIES[int(case["pathology_index"])])} for case in cases]
    found = evaluated(alone)
    assert found["image"] == pytest.approx(expected(cases, "image"), abs=1e-12)
    assert np.isnan([found["breast"], found["examination"]]).all()


def score(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    cases = views()
    # breasts and examinations are split, and one case comes twice
    Path(folder, f"{rank}.json").write_text(json.dumps(evaluated(cases[rank::2] + cases[1:2])))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_score_all_cases_together(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(score, (str(tmp_path),), nprocs=2)
    cases = views()
    for rank in (0, 1):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        assert found == pytest.approx({level: expected(cases, level) for level in LEVELS}, abs=1e-12)
