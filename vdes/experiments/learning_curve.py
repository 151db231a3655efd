r"""Train the classifier on fewer patients: would more of them help?

For each share of the training patients of each fold, the bundle's own train.yaml runs with the same number of steps as
on all of them, and the test patients are scored: this gives the AUC within folds over the number of training patients.
Smaller shares are subsets of larger ones, all are stratified by pathology, and validation and test patients are
unchanged. Writes docs/results/learning_curve_NAME.json. Repeat the command to resume an interrupted run; finished runs
are not repeated. A share of 1 is the same as vdes train classifier with the folds::

    vdes datalist cdd-cesm DIR --output des.json --include-unpaired --folds 5
    vdes experiment learning-curve bundles/breast_cesm_lesion_classification --inputs des --output runs/curve \
      --folds des_fold0.json des_fold1.json des_fold2.json des_fold3.json des_fold4.json
    vdes experiment card bundles/breast_cesm_lesion_classification
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vdes.bundle.steps import Step
from vdes.data.datalist import Datalist
from vdes.data.splits import hold_out
from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.errors import InputError
from vdes.experiments.classifier import (
    PATIENCE,
    RESAMPLES,
    SEED,
    Budget,
    auc_of_as_many_images,
    check,
    predictions,
    steps_of,
)
from vdes.experiments.experiment import Experiment
from vdes.experiments.settings import LearningCurve
from vdes.handlers.provenance import sha256
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
    experiment = Experiment(settings.output, settings.jobs, "learning curve")
    stated = {
        "bundle": bundle.resolve().name,
        "folds_sha256": [sha256(fold) for fold in settings.folds],
        **{name: getattr(settings, name) for name in ("inputs", "epochs", "seed")},
    }
    experiment.open(stated)
    runs = [(share, k, *share_of(settings, share, k)) for share in shares for k in range(len(settings.folds))]
    steps: list[Step] = []
    for share, k, datalist, _ in runs:
        # the same number of steps: more epochs for fewer patients
        budget = Budget(
            settings.inputs, round(settings.epochs / share), settings.seed, patience=round(PATIENCE / share)
        )
        of_fold = folder(settings, share) / f"fold{k}"
        steps += steps_of(experiment, bundle, of_fold, datalist, (settings.inputs,), budget)
    experiment.run(steps, settings.folds)
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
        "data": Datalist.read(settings.folds[0]).name,
        **{key: stated[key] for key in ("folds_sha256", "inputs", "seed", "epochs")},
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
    datalist = Datalist.read(source).content()
    file = source
    if share < 1:
        # the start of a stratified line of patients
        datalist["training"] = hold_out(datalist["training"], share, 0.0, settings.seed)["test"]
        file = folder(settings, share) / f"fold{k}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        Datalist.write(file, datalist, overwrite=True)
    return file, len({item["patient"] for item in datalist["training"]})
