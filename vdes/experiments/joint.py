"""Measure what joint training does to the U-Net's images and to their classification.

Three arms start from the same weights of U-Net and classifier and see the same images: `frozen`, in which the
classifier learns on the images of an unchanged U-Net; `apart`, in which the U-Net learns too, but from its own loss
alone; and `joint`, in which the classifier's loss flows back into the U-Net. The difference between joint and apart is
the effect of that loss, and the difference between apart and frozen the effect of learning from these patients. Each
arm's U-Net is scored by its bundle's evaluation and makes virtual DES images of all cases. Its classifier is calibrated
on those of the validation patients and scored on those of the test patients. Figures are means over the seeds. Repeat
the command to resume an interrupted run.

    vdes phantom fatty --patients 400 --seed 50 --size 256 --density a --workers 2
    vdes train joint --datalist fatty/datalist.json --output runs/joint --epochs 3 --seeds 0 1 2
    vdes experiment card bundles/breast_cesm_virtual_des_unet
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vdes.bundle.locate import find_bundle
from vdes.bundle.steps import Step
from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.staging import staged
from vdes.data.training_record import check_trained_on
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.errors import InputError
from vdes.experiments.experiment import MEASURED, SCORED, TRAINED, Experiment
from vdes.experiments.settings import JointTraining
from vdes.handlers.provenance import provenance, sha256
from vdes.statistics.bootstrap import cluster_bootstrap_mean, percentile_interval
from vdes.statistics.predictions import known_cases
from vdes.statistics.resampled_metrics import resampled_metrics

GENERATOR = "breast_cesm_virtual_des_unet"
CLASSIFIER = "breast_cesm_lesion_classification"
WEIGHTS = Path("models", "model_phantom.pt")
ARMS = {"frozen": "nothing", "apart": "fidelity", "joint": "both"}  # what the U-Net learns from
FIDELITY = ("psnr_breast", "ssim_breast", "correlation_breast", "lesion_cnr")
CLASSIFICATION = ("f1", "auc", "sensitivity", "specificity")
LEVELS = ("image", "examination")
REFERENCE = "apart"
RESAMPLES = 2000
SEED = 0  # of the bootstrap


def compare(bundles: Path, settings: JointTraining, overwrite: bool = False) -> Path:
    """Train and score all arms, and write docs/results/joint_NAME.json of the U-Net's bundle.

    Args:
        bundles: folder that holds both bundles.
        settings: the data, the weights to start from and the budget.
        overwrite: replace the results.

    Returns:
        The file.

    Raises:
        InputError: a bundle or its weights are missing, they were trained on test patients, the results exist already,
            or a run fails.
    """
    generator, classifier = (find_bundle(name, bundles) for name in (GENERATOR, CLASSIFIER))
    starts = settings.initial_weights or generator / WEIGHTS, settings.classifier_weights or classifier / WEIGHTS
    settings = replace(settings, initial_weights=starts[0], classifier_weights=starts[1])
    result = generator / "docs" / "results" / f"joint_{settings.name}.json"
    if result.exists() and not overwrite:
        raise InputError(f"{result}: exists already; pass --overwrite to replace it")
    listed = Datalist.read(settings.datalist)
    test = listed.items("test")
    for weights in starts:
        check_trained_on(weights, test, str(settings.datalist))
    experiment = Experiment(settings.output, settings.jobs, "joint training")
    experiment.open(
        {
            "datalist_sha256": listed.sha256,
            "weights_sha256": [sha256(weights) for weights in starts],
            **{name: getattr(settings, name) for name in ("height", "epochs", "weight")},
        }
    )
    experiment.run(
        [
            step
            for seed in settings.seeds
            for arm in ARMS
            for step in steps_of(experiment, generator, classifier, settings, listed, arm, seed)
        ],
        [listed.path],
    )
    result.parent.mkdir(parents=True, exist_ok=True)
    with staged([result], overwrite=True) as stages:
        stages[result].write_text(json.dumps(results(settings, starts[0]), indent=2) + "\n", encoding="utf-8")
    return result


def run_folder(output: Path, arm: str, seed: int) -> Path:
    """Return the folder of an arm's run."""
    return output / f"seed{seed}" / arm


def steps_of(
    experiment: Experiment,
    generator: Path,
    classifier: Path,
    settings: JointTraining,
    listed: Datalist,
    arm: str,
    seed: int,
) -> list[Step]:
    """Return the steps that train an arm and score it."""
    datalist, folder = listed.path, run_folder(settings.output, arm, seed)
    counts = {section: len(listed.items(section)) for section in SECTIONS}
    training, test, everything = counts["training"], counts["test"], sum(counts.values())
    common = {"num_workers": 0, "seed": seed, "cache_dir": experiment.cache}
    trained, images, virtual = folder / "trained", folder / "virtual_des", folder / "virtual.json"
    start = {
        "initial_weights": settings.initial_weights,
        "classifier_initial_weights": settings.classifier_weights,
        "encoder_weights": "none",
        "classifier_encoder_weights": "none",
        "height": settings.height,
        "epochs": settings.epochs,
        "classification_weight": settings.weight,
        "generator_learns_from": ARMS[arm],
    }
    train = experiment.workflow(
        *(
            trained,
            (*TRAINED, "classifier.pt", "classifier.json"),
            generator,
            ["train", "joint"],
            datalist,
            {**common, **start},
        ),
        kind="train joint",
        images=training * settings.epochs,
        height=settings.height,
    )
    made = {"ckpt_path": trained / "model.pt", "height": settings.height, "overwrite": True}
    evaluate = experiment.workflow(
        *(folder / "fidelity", MEASURED, generator, ["train", "evaluate"], datalist, {**common, **made}),
        kind="evaluate",
        images=test,
        height=settings.height,
        needs=[train.name],
    )
    infer = experiment.workflow(
        *(images, "", generator, ["inference"], datalist, {**made, "num_workers": 0}),
        kind="virtual",
        images=everything,
        height=settings.height,
        needs=[train.name],
    )
    made_by = trained / "model.pt"
    replace_des = partial(write_virtual_datalist, datalist, images, virtual, overwrite=True, weights=made_by)
    needs = [infer.name]
    list_virtual = Step(experiment.name_of(virtual), "datalist", everything, replace_des, needs, outputs=[virtual])
    seen = {"inputs": "des", **common}
    weights = {"ckpt_path": trained / "classifier.pt"}
    calibrated = folder / "calibrated"
    calibrate = experiment.workflow(
        *(calibrated, ("model.pt", "model.json"), classifier, ["train", "calibrate"], virtual, {**seen, **weights}),
        kind="evaluate",
        images=counts["validation"],
        needs=[list_virtual.name, train.name],
    )
    scored = {**seen, "ckpt_path": calibrated / "model.pt", "overwrite": True}
    score = experiment.workflow(
        *(folder / "classification", SCORED, classifier, ["train", "evaluate"], virtual, scored),
        kind="evaluate",
        images=test,
        needs=[calibrate.name],
    )
    return [train, evaluate, infer, list_virtual, calibrate, score]


def results(settings: JointTraining, initial_weights: Path) -> dict[str, Any]:
    """Return each arm's fidelity and classification on the test patients, and their differences, with intervals."""
    runs = {(arm, seed): run_folder(settings.output, arm, seed) for arm in ARMS for seed in settings.seeds}
    predicted = {
        run: pd.read_csv(folder / "classification" / "predictions.csv", keep_default_na=False)
        for run, folder in runs.items()
    }
    images = {run: pd.read_csv(folder / "fidelity" / "fidelity_per_case.csv") for run, folder in runs.items()}
    virtual = {run: table[table["method"] == "virtual_des"].set_index("case") for run, table in images.items()}
    return {
        "provenance": provenance(settings.datalist, "test", initial_weights),
        "epochs": settings.epochs,
        "seeds": settings.seeds,
        "classification_weight": settings.weight,
        "height": settings.height,
        "reference": REFERENCE,
        "fidelity": fidelity_rows(virtual),
        "classification": [row for level in LEVELS for row in classification_rows(level, predicted)],
    }


def fidelity_rows(tables: dict[tuple[str, int], pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the arms' mean fidelity and their differences to the reference arm, means over seeds.

    Args:
        tables: of each arm and seed, one row per case.
    """
    rows = []
    seeds = list(dict.fromkeys(seed for _, seed in tables))
    patients = next(iter(tables.values()))["patient"]
    for metric in FIDELITY:
        values = {
            arm: np.stack([tables[arm, seed][metric].reindex(patients.index).to_numpy(dtype=float) for seed in seeds])
            for arm in ARMS
        }
        for arm in ARMS:
            compared = {"value": values[arm]}
            if arm != REFERENCE:
                compared["difference"] = values[arm] - values[REFERENCE]
            for statistic, of in compared.items():
                cases = of.mean(axis=0)  # of the seeds; NaN if the case has no such figure
                known = ~np.isnan(cases)
                rows.append(
                    {
                        **{"arm": arm, "metric": metric, "statistic": statistic},
                        **numbers(*cluster_bootstrap_mean(cases, patients), np.nanmean(of, axis=1)),
                        **{"cases": int(known.sum()), "patients": int(patients[known].nunique())},
                    }
                )
    return rows


def classification_rows(level: str, predicted: dict[tuple[str, int], pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the arms' metrics of a level and their differences to the reference arm, means over seeds.

    Args:
        level: image, breast or examination.
        predicted: the predictions of each arm and seed.
    """
    tables = {
        f"{arm} {seed}": known_cases(table[table["level"] == level]).sort_index()
        for (arm, seed), table in predicted.items()
    }
    value, drawn = resampled_metrics(tables, CLASSIFICATION, RESAMPLES, SEED)
    cases = next(iter(tables.values()))
    counts = {"cases": len(cases), "patients": int(cases["patient"].nunique())}
    seeds = list(dict.fromkeys(seed for _, seed in predicted))
    rows = []
    for arm in ARMS:
        for metric in CLASSIFICATION:
            for statistic in ("value",) if arm == REFERENCE else ("value", "difference"):
                of, resampled = (
                    np.array([found[f"{arm} {seed}", metric] for seed in seeds], dtype=float)
                    for found in (value, drawn)
                )
                if statistic == "difference":
                    of = of - [value[f"{REFERENCE} {seed}", metric] for seed in seeds]
                    resampled = resampled - [drawn[f"{REFERENCE} {seed}", metric] for seed in seeds]
                interval = percentile_interval(float(of.mean()), resampled.mean(axis=0))
                rows.append(
                    {
                        **{"arm": arm, "level": level, "metric": metric, "statistic": statistic},
                        **numbers(*interval, of),
                        **counts,
                    }
                )
    return rows


def numbers(value: float, low: float, high: float, each: Iterable[float]) -> dict[str, Any]:
    """Return an estimate, its interval and the values of each seed, with None for undefined ones."""
    known = [None if np.isnan(number) else float(number) for number in (value, low, high, *each)]
    return {"value": known[0], "low": known[1], "high": known[2], "each": known[3:]}
