r"""Train the classifier bundle's shipped weights on one split, and by folds for an estimate that uses every patient.

A run is the bundle's own train.yaml, then evaluate.yaml on the validation and the test patients. The run on --datalist
gives models/NAME.pt in half precision and its test figures, for each of the inputs in --evaluate. The runs on
--folds give the same method's figures over the test patients of all folds. All figures go to
docs/results/classification_NAME.json, with ROC and calibration curves next to the card. Repeat the command to resume an
interrupted run; finished runs are not repeated::

    vdes datalist cdd-cesm DIR --output des.json --include-unpaired
    vdes datalist cdd-cesm DIR --output des.json --include-unpaired --folds 5
    vdes train classifier bundles/breast_cesm_lesion_classification --inputs des \
      --output runs/classifier --datalist des.json --folds des_fold0.json des_fold1.json ...
    vdes experiment card bundles/breast_cesm_lesion_classification
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from sklearn.metrics import roc_auc_score

from vdes.bundle.steps import Step
from vdes.data.datalist import Datalist
from vdes.data.staging import staged
from vdes.data.training_record import RECORD_SUFFIX, known_record, sealed
from vdes.data.vocabulary import LEVELS
from vdes.errors import InputError
from vdes.experiments.experiment import SCORED, TRAINED, Experiment
from vdes.experiments.settings import ClassifierTraining
from vdes.handlers.classification_handler import classification_result
from vdes.handlers.provenance import provenance, sha256
from vdes.handlers.save_weights import save_state
from vdes.metrics.level_predictions import with_probabilities
from vdes.networks.weights import half_precision
from vdes.report.calibration_plot import calibration_plot
from vdes.report.roc_plot import roc_plot
from vdes.statistics.auc_within_folds import auc_within_folds
from vdes.statistics.classification_summary import classification_summary
from vdes.statistics.stratified_auc import stratified_auc

RESAMPLES = 2000
SEED = 0  # of the bootstrap
PATIENCE = 5  # epochs without a better validation AUC


def check(bundle: Path, folds: Sequence[Path]) -> None:
    """Check the input of all runs before the first of them starts.

    Raises:
        InputError: the folder is not a bundle, a fold's datalist cannot be read, or two folds test the same case.
    """
    if not (bundle / "configs" / "train.yaml").is_file():
        raise InputError(f"{bundle}: no configs/train.yaml; expected the folder of a bundle")
    tested: dict[str, Path] = {}
    for fold in folds:
        for item in Datalist.read(fold).items("test"):
            if item["case"] in tested:
                raise InputError(f"{fold}: test: case {item['case']} is tested by {tested[item['case']]} already")
            tested[item["case"]] = fold


def ship(bundle: Path, settings: ClassifierTraining, overwrite: bool = False) -> None:
    """Train all runs and write the weights, the results and the curves.

    Args:
        bundle: folder of the classifier's bundle.
        settings: the data, the inputs and the budget.
        overwrite: replace the weights and their results.

    Raises:
        InputError: as `check`, the weights exist already, or a run fails.
    """
    name = settings.name
    check(bundle, settings.folds)
    docs = bundle / "docs"
    weights, result = bundle / "models" / f"{name}.pt", docs / "results" / f"classification_{name}.json"
    for file in (weights, result):
        if file.exists() and not overwrite:
            raise InputError(f"{file}: exists already; pass --overwrite to replace it")
        file.parent.mkdir(parents=True, exist_ok=True)
    seen = settings.evaluate or (settings.inputs,)
    runs = {"split": settings.datalist, **{f"fold{k}": datalist for k, datalist in enumerate(settings.folds)}}
    experiment = Experiment(settings.output, settings.jobs, "training")
    experiment.open(
        {
            "bundle": bundle.resolve().name,
            "datalists_sha256": {run: sha256(datalist) for run, datalist in runs.items()},
            **{name: getattr(settings, name) for name in ("inputs", "epochs", "seed")},
        }
    )
    budget = Budget(settings.inputs, settings.epochs, settings.seed)
    experiment.run(
        [
            step
            for run, datalist in runs.items()
            for step in steps_of(experiment, bundle, settings.output / run, datalist, seen, budget)
        ],
        list(runs.values()),
    )

    best = settings.output / "split" / "training" / "model.pt"
    trained, origin = torch.load(best, weights_only=True), known_record(best)
    record = weights.with_suffix(RECORD_SUFFIX)
    with staged([weights, record], overwrite=True) as stages:
        save_state(half_precision(trained), stages[weights])
        stages[record].write_text(sealed(origin, stages[weights]), encoding="utf-8")
    tables = {inputs: predictions(settings.output / "split", "test", inputs) for inputs in seen}
    source = provenance(settings.datalist, "test", weights)
    content: dict[str, Any] = {
        "test": {inputs: summarised(table, source | {"inputs": inputs}) for inputs, table in tables.items()},
        "calibration": {
            "levels": LEVELS,
            "temperature": trained["temperature"].tolist(),
            "threshold": trained["threshold"].tolist(),
        },
        "runs": [{"run": run, **progress(settings.output / run)} for run in runs],
    }
    curves = tables[seen[0]]
    if settings.folds:
        tests = [predictions(settings.output / f"fold{k}", "test", seen[0]) for k in range(len(settings.folds))]
        curves = pd.concat(tests, ignore_index=True)
        folds = [provenance(datalist, "test", weights)["datalist_sha256"] for datalist in settings.folds]
        made = {key: source[key] for key in ("data", "versions")} | {"inputs": seen[0], "folds_sha256": folds}
        # scales of several networks agree only as far as they are calibrated, which the AUC within a fold does not need
        areas = [
            {level: auc(table[table["level"] == level]) for level in LEVELS if table["level"].eq(level).any()}
            for table in tests
        ]
        content["folds"] = summarised(curves, made) | {
            "auc_of_each": areas,
            "auc_within_folds": auc_within_folds(tests, RESAMPLES, SEED).to_dict("records"),
            "auc_examination_alike": auc_of_as_many_images(tests),
        }
    with staged([result], overwrite=True) as stages:
        stages[result].write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draw(curves, docs / f"roc_{name}.png", docs / f"calibration_{name}.png")
    print(f"wrote {weights} and {result}")


@dataclass(frozen=True)
class Budget:
    """The inputs and the budget of a run.

    Attributes:
        inputs: both, low_energy or des.
        epochs: largest number of epochs.
        seed: seed of the training.
        patience: epochs without a better validation AUC.
    """

    inputs: str
    epochs: int
    seed: int
    patience: int = PATIENCE


def steps_of(
    experiment: Experiment, bundle: Path, folder: Path, datalist: Path, seen: Sequence[str], budget: Budget
) -> list[Step]:
    """Return the steps of one run: its training, and its evaluation on the test patients for each input in ``seen``."""
    listed = Datalist.read(datalist)
    common = {"cache_dir": experiment.cache, "seed": budget.seed, "num_workers": 0}
    trained = folder / "training"
    knobs = {**common, "inputs": budget.inputs, "epochs": budget.epochs, "patience": budget.patience}
    training = experiment.workflow(
        *(trained, TRAINED, bundle, ["train"], datalist, knobs),
        kind="train classifier",
        images=len(listed.items("training")) * budget.epochs,
    )
    scored = {**common, "ckpt_path": trained / "model.pt", "section": "test", "overwrite": True}
    evaluations = [
        experiment.workflow(
            *(folder / f"test_{inputs}", SCORED, bundle, ["train", "evaluate"], datalist),
            {**scored, "inputs": inputs},
            kind="evaluate",
            images=len(listed.items("test")),
            needs=[training.name],
        )
        for inputs in seen
    ]
    return [training, *evaluations]


def predictions(run: Path, section: str, inputs: str) -> pd.DataFrame:
    """Return a run's table of predictions."""
    return pd.read_csv(
        run / f"{section}_{inputs}" / "predictions.csv", keep_default_na=False, na_values={"malignant": ""}
    )


def auc(table: pd.DataFrame) -> float:
    """Return the area under the ROC curve of one level's predictions."""
    return float(roc_auc_score(table["malignant"].astype(float), table["probability"]))


def auc_of_as_many_images(folds: list[pd.DataFrame]) -> dict[str, float]:
    """Return the AUC over pairs of examinations of the same fold with the same number of images.

    If malignant examinations have more images than others, the number alone ranks examinations, and pooling that
    favours the highest score can exploit it.
    """
    table = pd.concat([fold.assign(fold=k) for k, fold in enumerate(folds)], ignore_index=True)
    images = table[table["level"] == "image"].groupby("patient").size()
    chosen = table[table["level"] == "examination"]
    strata = list(zip(chosen["fold"], chosen["patient"].map(images), strict=True))
    return stratified_auc(chosen, strata, RESAMPLES, SEED)


def summarised(table: pd.DataFrame, source: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics of a table of predictions, with their provenance."""
    return classification_result(classification_summary(table, RESAMPLES, SEED), source, RESAMPLES, SEED)


def progress(run: Path) -> dict[str, Any]:
    """Return the list entry of a run."""
    found = torch.load(run / "training" / "last.pt", weights_only=True)["progress"]
    return {
        "epochs": found["epoch"],
        "best_epoch": found["best_metric_epoch"],
        "validation_auc_image": found["best_metric"],
    }


def draw(table: pd.DataFrame, roc: Path, calibration: Path) -> None:
    """Draw the curves of a table of predictions: ROC of all levels, calibration of images before and after scaling."""
    roc_plot({level: table[table["level"] == level] for level in LEVELS}, roc)
    images = table[table["level"] == "image"]
    neutral = [1.0] * len(LEVELS)
    before = with_probabilities(images, neutral, neutral)["probability"]
    calibration_plot(
        images["malignant"], {"before temperature scaling": before, "after": images["probability"]}, calibration
    )
