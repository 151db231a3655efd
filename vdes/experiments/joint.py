"""Measure what joint training does to the U-Net's images and to their classification.

Three arms start from the same weights of U-Net and classifier and see the same images: `frozen`, whose classifier
learns on the U-Net's images as they are; `apart`, whose U-Net goes on learning too, but from its own loss alone; and
`joint`, where the classifier's loss flows back into the U-Net. So joint against apart is what that loss does, and
frozen against apart what it is worth to learn from these patients. Each arm's U-Net is scored by its bundle's
evaluation and makes virtual DES images of all cases; its classifier, calibrated on those of the validation patients, is
scored on those of the test patients. Figures are means over the seeds. An interrupted run goes on where it stopped.

    vdes phantom fatty --patients 400 --seed 50 --size 256 --density a --workers 2
    python vdes/experiments/joint.py --datalist fatty/datalist.json --output runs/joint --epochs 3 --seeds 0 1 2
    python vdes/experiments/card.py bundles/breast_cesm_virtual_des_unet
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from vdes.bundle.process import run_workflow
from vdes.data.datalist import read_datalist
from vdes.data.staging import staged
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.errors import InputError
from vdes.handlers.provenance import provenance
from vdes.statistics.bootstrap import cluster_bootstrap_mean, percentile_interval
from vdes.statistics.predictions import known_cases
from vdes.statistics.resampled_metrics import resampled_metrics
from vdes.study.trained_on import check_trained_on

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
GENERATOR = BUNDLES / "breast_cesm_virtual_des_unet"
CLASSIFIER = BUNDLES / "breast_cesm_lesion_classification"
ARMS = {"frozen": "nothing", "apart": "fidelity", "joint": "both"}  # what the U-Net learns from
FIDELITY = ("psnr_breast", "ssim_breast", "correlation_breast", "lesion_cnr")
CLASSIFICATION = ("f1", "auc", "sensitivity", "specificity")
LEVELS = ("image", "examination")
REFERENCE = "apart"
RESAMPLES = 2000
SEED = 0  # of the bootstrap


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datalist", type=Path, required=True, help="datalist with training, validation and test")
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--name", default="phantom", help="results become docs/results/joint_NAME.json")
    parser.add_argument(
        "--initial-weights", type=Path, default=GENERATOR / "models" / "model_phantom.pt", help="of the U-Net"
    )
    parser.add_argument(
        "--classifier-weights", type=Path, default=CLASSIFIER / "models" / "model_phantom.pt", help="of the classifier"
    )
    parser.add_argument("--height", type=int, default=256, help="working size of the U-Net (default: 256)")
    parser.add_argument("--epochs", type=int, default=2, help="of each arm (default: 2)")
    parser.add_argument("--weight", type=float, default=0.1, help="classification_weight (default: 0.1)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run of each arm a seed (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: 2)")
    parser.add_argument("--overwrite", action="store_true", help="replace the results")
    arguments = parser.parse_args()
    result = GENERATOR / "docs" / "results" / f"joint_{arguments.name}.json"
    try:
        if result.exists() and not arguments.overwrite:
            raise InputError(f"{result}: exists already; pass --overwrite to replace it")
        test = read_datalist(arguments.datalist, ("test",))["test"]
        for weights in (arguments.initial_weights, arguments.classifier_weights):
            check_trained_on(weights, test, str(arguments.datalist))
        with ThreadPoolExecutor(arguments.jobs) as pool:
            jobs = [pool.submit(run_arm, arguments, arm, seed) for seed in arguments.seeds for arm in ARMS]
            for job in tqdm(jobs, desc="runs", unit="run"):
                job.result()
        result.parent.mkdir(parents=True, exist_ok=True)
        with staged([result], overwrite=True) as stages:
            stages[result].write_text(json.dumps(results(arguments), indent=2) + "\n", encoding="utf-8")
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {result}")
    return 0


def run_folder(output: Path, arm: str, seed: int) -> Path:
    """Return the folder of an arm's run."""
    return output / f"seed{seed}" / arm


def run_arm(arguments: argparse.Namespace, arm: str, seed: int) -> None:
    """Train an arm and score it; what is finished is not repeated."""
    threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
    datalist, folder = arguments.datalist, run_folder(arguments.output, arm, seed)
    trained = folder / "trained"
    common = {"num_workers": 0, "seed": seed, "cache_dir": arguments.output / "cache"}
    made = {"ckpt_path": trained / "model.pt", "height": arguments.height, "overwrite": True}

    def step(output: Path, done: str, bundle: Path, configs: list[str], data: Path, settings: dict[str, Any]) -> None:
        mark = output.with_name(f"{output.name}.done")
        if not mark.is_file():
            run_workflow(bundle, configs, data, output, settings, threads)
            if not (output / done).exists():
                raise InputError(f"{output}: the run left no {done}; {output}.log says why")
            mark.touch()

    training = {
        "initial_weights": arguments.initial_weights,
        "classifier_initial_weights": arguments.classifier_weights,
        "encoder_weights": "none",
        "classifier_encoder_weights": "none",
        "height": arguments.height,
        "epochs": arguments.epochs,
        "classification_weight": arguments.weight,
        "generator_learns_from": ARMS[arm],
    }
    step(trained, "model.pt", GENERATOR, ["train", "joint"], datalist, {**common, **training})
    step(folder / "fidelity", "fidelity.json", GENERATOR, ["train", "evaluate"], datalist, {**common, **made})
    images = folder / "virtual_des"
    step(images, "", GENERATOR, ["inference"], datalist, {**made, "num_workers": 0})
    virtual = folder / "virtual.json"
    write_virtual_datalist(datalist, images, virtual, overwrite=True)
    seen = {"inputs": "des", **common}
    weights = {"ckpt_path": trained / "classifier.pt"}
    step(folder / "calibrated", "model.pt", CLASSIFIER, ["train", "calibrate"], virtual, {**seen, **weights})
    scored = {"ckpt_path": folder / "calibrated" / "model.pt", "overwrite": True}
    test = folder / "classification"
    step(test, "classification.json", CLASSIFIER, ["train", "evaluate"], virtual, {**seen, **scored})


def results(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return each arm's fidelity and classification on the test patients, and their differences, with intervals."""
    runs = {(arm, seed): run_folder(arguments.output, arm, seed) for arm in ARMS for seed in arguments.seeds}
    predicted = {
        run: pd.read_csv(folder / "classification" / "predictions.csv", keep_default_na=False)
        for run, folder in runs.items()
    }
    images = {run: pd.read_csv(folder / "fidelity" / "fidelity_per_case.csv") for run, folder in runs.items()}
    virtual = {run: table[table["method"] == "virtual_des"].set_index("case") for run, table in images.items()}
    return {
        "provenance": provenance(arguments.datalist, "test", arguments.initial_weights),
        "epochs": arguments.epochs,
        "seeds": arguments.seeds,
        "classification_weight": arguments.weight,
        "height": arguments.height,
        "reference": REFERENCE,
        "fidelity": fidelity_rows(virtual),
        "classification": [row for level in LEVELS for row in classification_rows(level, predicted)],
    }


def fidelity_rows(tables: dict[tuple[str, int], pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the arms' mean fidelity and their differences to the reference arm, means over seeds.

    Args:
        tables: of each arm and seed, one row a case.
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
                cases = of.mean(axis=0)  # of the seeds; NaN where the case has no such figure
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
    """Return an estimate, its interval and the values of each seed, with None for what is undefined."""
    known = [None if np.isnan(number) else float(number) for number in (value, low, high, *each)]
    return {"value": known[0], "low": known[1], "high": known[2], "each": known[3:]}


if __name__ == "__main__":
    sys.exit(main())
