"""Train the classifier bundle's shipped weights on one split, and by folds for an estimate that uses every patient.

A run is the bundle's own train.yaml, then evaluate.yaml on the validation and the test patients. The run on --datalist
gives models/NAME.pt in half precision and its test figures, for each of --evaluate: what the weights see. The runs on
--folds give the same method's figures over the test patients of all folds. All of it goes to
docs/results/classification_NAME.json, with ROC and calibration curves beside the card. An interrupted run goes on where
it stopped, and a finished one is not repeated: give the same command again.

    vdes datalist cdd-cesm DIR --output des.json --include-unpaired
    vdes datalist cdd-cesm DIR --output des.json --include-unpaired --folds 5
    python vdes/experiments/classifier.py bundles/breast_cesm_lesion_classification --inputs des
      --output runs/classifier --datalist des.json --folds des_fold0.json des_fold1.json ...      (one line)
    python vdes/experiments/card.py bundles/breast_cesm_lesion_classification
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from vdes.bundle.process import run_workflow
from vdes.data.datalist import read_datalist
from vdes.data.staging import staged
from vdes.data.training_record import RECORD_SUFFIX, training_record
from vdes.data.vocabulary import LEVELS
from vdes.errors import InputError
from vdes.handlers.classification_handler import classification_result
from vdes.handlers.provenance import provenance
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


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("--datalist", type=Path, required=True, help="datalist with training, validation and test")
    parser.add_argument("--folds", type=Path, nargs="+", default=[], help="datalists of the folds")
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--name", default="model", help="the weights become models/NAME.pt (default: model)")
    parser.add_argument("--inputs", default="both", help="what is trained on: both, low_energy or des (default: both)")
    parser.add_argument("--evaluate", nargs="+", help="what the weights are shown in turn (default: as --inputs)")
    parser.add_argument("--epochs", type=int, default=10, help="at most, of each run (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: 2)")
    parser.add_argument("--overwrite", action="store_true", help="replace models/NAME.pt and its results")
    arguments = parser.parse_args()
    try:
        ship(arguments)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def check(bundle: Path, folds: list[Path]) -> None:
    """Look at what all runs rest on before the first of them starts.

    Raises:
        InputError: the bundle's folder is none, a fold's datalist cannot be read, or two folds test the same case.
    """
    if not (bundle / "configs" / "train.yaml").is_file():
        raise InputError(f"{bundle}: no configs/train.yaml; expected the folder of a bundle")
    tested: dict[str, Path] = {}
    for fold in folds:
        for item in read_datalist(fold, ("test",))["test"]:
            if item["case"] in tested:
                raise InputError(f"{fold}: test: case {item['case']} is tested by {tested[item['case']]} already")
            tested[item["case"]] = fold


def ship(arguments: argparse.Namespace) -> None:
    """Train all runs and write the weights, the results and the curves."""
    bundle, name = arguments.bundle, arguments.name
    check(bundle, arguments.folds)
    docs = bundle / "docs"
    weights, result = bundle / "models" / f"{name}.pt", docs / "results" / f"classification_{name}.json"
    for file in (weights, result):
        if file.exists() and not arguments.overwrite:
            raise InputError(f"{file}: exists already; pass --overwrite to replace it")
        file.parent.mkdir(parents=True, exist_ok=True)
    seen = arguments.evaluate or [arguments.inputs]
    runs = {"split": arguments.datalist, **{f"fold{k}": datalist for k, datalist in enumerate(arguments.folds)}}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = [pool.submit(train, arguments, run, datalist, seen) for run, datalist in runs.items()]
        for job in tqdm(jobs, desc="runs", unit="run"):
            job.result()

    trained = torch.load(arguments.output / "split" / "model.pt", weights_only=True)
    record = weights.with_suffix(RECORD_SUFFIX)
    with staged([weights, record], overwrite=True) as stages:
        torch.save(half_precision(trained), stages[weights])
        stages[record].write_text(json.dumps(training_record(arguments.datalist)) + "\n", encoding="utf-8")
    tables = {inputs: predictions(arguments.output / "split", "test", inputs) for inputs in seen}
    source = provenance(arguments.datalist, "test", weights)
    content: dict[str, Any] = {
        "test": {inputs: summarised(table, source | {"inputs": inputs}) for inputs, table in tables.items()},
        "calibration": {
            "levels": LEVELS,
            "temperature": trained["temperature"].tolist(),
            "threshold": trained["threshold"].tolist(),
        },
        "runs": [{"run": run, **progress(arguments.output / run)} for run in runs],
    }
    curves = tables[seen[0]]
    if arguments.folds:
        tests = [predictions(arguments.output / f"fold{k}", "test", seen[0]) for k in range(len(arguments.folds))]
        curves = pd.concat(tests, ignore_index=True)
        folds = [provenance(datalist, "test", weights)["datalist_sha256"] for datalist in arguments.folds]
        made = {key: source[key] for key in ("data", "versions")} | {"inputs": seen[0], "folds_sha256": folds}
        # several networks share one scale only as far as their calibration goes; the area inside a fold needs none
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


def train(
    arguments: argparse.Namespace,
    run: str,
    datalist: Path,
    seen: list[str],
    cache_dir: Path | None = None,
    patience: int = PATIENCE,
) -> None:
    """Train one run and evaluate it; what is finished is not repeated."""
    threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
    output = arguments.output / run
    common = {"cache_dir": cache_dir or arguments.output / "cache", "seed": arguments.seed, "num_workers": 0}
    if not (output / "trained").is_file():
        settings = {"inputs": arguments.inputs, "epochs": arguments.epochs, "patience": patience}
        run_workflow(arguments.bundle, ["train"], datalist, output, {**common, **settings}, threads)
        (output / "trained").touch()
    for inputs in seen:
        results = output / f"test_{inputs}"
        if not (results / "classification.json").is_file():
            settings = {"inputs": inputs, "ckpt_path": output / "model.pt", "section": "test", "overwrite": True}
            run_workflow(arguments.bundle, ["train", "evaluate"], datalist, results, {**common, **settings}, threads)


def predictions(run: Path, section: str, inputs: str) -> pd.DataFrame:
    """Return a run's table of predictions."""
    return pd.read_csv(
        run / f"{section}_{inputs}" / "predictions.csv", keep_default_na=False, na_values={"malignant": ""}
    )


def auc(table: pd.DataFrame) -> float:
    """Return the area under the ROC of one level's predictions."""
    return float(roc_auc_score(table["malignant"].astype(float), table["probability"]))


def auc_of_as_many_images(folds: list[pd.DataFrame]) -> dict[str, float]:
    """Return the AUC over pairs of examinations of one fold with as many images.

    Where the malignant have more images than others, the number alone ranks examinations, and a pooling that leans to
    the highest of them can draw on it.
    """
    table = pd.concat([fold.assign(fold=k) for k, fold in enumerate(folds)], ignore_index=True)
    images = table[table["level"] == "image"].groupby("patient").size()
    chosen = table[table["level"] == "examination"]
    strata = list(zip(chosen["fold"], chosen["patient"].map(images), strict=True))
    return stratified_auc(chosen, strata, RESAMPLES, SEED)


def summarised(table: pd.DataFrame, source: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics of a table of predictions, and what they rest on."""
    return classification_result(classification_summary(table, RESAMPLES, SEED), source, RESAMPLES, SEED)


def progress(run: Path) -> dict[str, Any]:
    """Return what is listed of a run."""
    found = torch.load(run / "last.pt", weights_only=True)["progress"]
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


if __name__ == "__main__":
    sys.exit(main())
