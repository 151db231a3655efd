"""Train the classifier on fewer patients: would more of them help?

For each share of the training patients of each fold a run of the bundle's own train.yaml, with as many steps as on all
of them, and its test patients scored: the AUC inside folds over the number of training patients. Smaller shares lie
within larger ones, all are stratified by pathology, and validation and test patients stay as they are. Writes
docs/results/learning_curve_NAME.json. An interrupted run goes on where it stopped, and a finished one is not repeated;
share 1 is what vdes train classifier does with the folds.

    vdes datalist cdd-cesm DIR --output des.json --include-unpaired --folds 5
    vdes experiment learning-curve bundles/breast_cesm_lesion_classification --inputs des --output runs/curve
      --folds des_fold0.json des_fold1.json des_fold2.json des_fold3.json des_fold4.json           (one line)
    vdes experiment card bundles/breast_cesm_lesion_classification
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vdes.data.datalist import read_datalist, read_json, write_datalist
from vdes.data.splits import hold_out
from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.errors import InputError
from vdes.experiments.classifier import (
    PATIENCE,
    RESAMPLES,
    SEED,
    auc_of_as_many_images,
    check,
    predictions,
    train,
)
from vdes.experiments.settings import ClassifierTraining, LearningCurve
from vdes.statistics.auc_within_folds import auc_within_folds


def write_curve(bundle: Path, settings: LearningCurve, overwrite: bool = False) -> Path:
    """Train and score all runs, and write docs/results/learning_curve_NAME.json of the bundle.

    Args:
        bundle: folder of the classifier's bundle.
        settings: the folds, the shares and the budget.
        overwrite: replace the results.

    Returns:
        The file.

    Raises:
        InputError: as `check`, the results exist already, or a run fails.
    """
    result = bundle / "docs" / "results" / f"learning_curve_{settings.name}.json"
    check(bundle, settings.folds)
    if result.exists() and not overwrite:
        raise InputError(f"{result}: exists already; pass --overwrite to replace it")
    content = curve(bundle, settings)
    result.parent.mkdir(parents=True, exist_ok=True)
    with staged([result], overwrite=True) as stages:
        stages[result].write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return result


def curve(bundle: Path, settings: LearningCurve) -> dict[str, Any]:
    """Train and score all runs, and return the results."""
    shares = sorted(set(settings.shares))
    runs = [(share, k, *share_of(settings, share, k)) for share in shares for k in range(len(settings.folds))]
    with ThreadPoolExecutor(settings.jobs) as pool:
        jobs = [pool.submit(train_share, bundle, settings, share, k, datalist) for share, k, datalist, _ in runs]
        for job in tqdm(jobs, desc="runs", unit="run"):
            job.result()
    points = []
    for share in shares:
        tests = [
            predictions(folder(settings, share) / f"fold{k}", "test", settings.inputs)
            for k in range(len(settings.folds))
        ]
        points.append(
            {
                "share": share,
                "patients": [count for other, _, _, count in runs if other == share],
                "auc_within_folds": auc_within_folds(tests, RESAMPLES, SEED).to_dict("records"),
                "auc_examination_alike": auc_of_as_many_images(tests),
            }
        )
    return {
        "data": read_json(settings.folds[0])["name"],
        "folds_sha256": [hashlib.sha256(fold.read_bytes()).hexdigest() for fold in settings.folds],
        "inputs": settings.inputs,
        "seed": settings.seed,
        "epochs": settings.epochs,
        "resamples": RESAMPLES,
        "points": points,
        "versions": versions(),
    }


def folder(settings: LearningCurve, share: float) -> Path:
    """Return the folder of a share's runs."""
    output: Path = settings.output / f"share{share:g}"
    return output


def share_of(settings: LearningCurve, share: float, k: int) -> tuple[Path, int]:
    """Write the datalist of a fold with a share of its training patients, and return it with their number."""
    source = settings.folds[k]
    datalist = read_datalist(source)
    file = source
    if share < 1:
        # the start of a stratified line of patients
        datalist["training"] = hold_out(datalist["training"], share, 0.0, settings.seed)["test"]
        file = folder(settings, share) / f"fold{k}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_datalist(file, datalist, overwrite=True)
    return file, len({item["patient"] for item in datalist["training"]})


def train_share(bundle: Path, settings: LearningCurve, share: float, k: int, datalist: Path) -> None:
    """Train on a share of a fold's training patients and score its test patients."""
    own = ClassifierTraining(
        datalist=datalist,
        output=folder(settings, share),
        inputs=settings.inputs,
        epochs=round(settings.epochs / share),
        seed=settings.seed,
        jobs=settings.jobs,
    )
    train(
        bundle,
        own,
        f"fold{k}",
        datalist,
        (settings.inputs,),
        cache_dir=settings.output / "cache",
        patience=round(PATIENCE / share),
    )
