"""Train the classifier on fewer patients: would more of them help?

For each share of the training patients of each fold a run of the bundle's own train.yaml, with as many steps as on all
of them, and its test patients scored: the AUC inside folds over the number of training patients. Smaller shares lie
within larger ones, all are stratified by pathology, and validation and test patients stay as they are. Writes
docs/results/learning_curve_NAME.json. An interrupted run goes on where it stopped, and a finished one is not repeated;
share 1 is what vdes/experiments/classifier.py does with the folds.

    vdes datalist cdd-cesm DIR --output des.json --include-unpaired --folds 5
    python vdes/experiments/learning_curve.py bundles/breast_cesm_lesion_classification --inputs des --output runs/curve
      --folds des_fold0.json des_fold1.json des_fold2.json des_fold3.json des_fold4.json           (one line)
    python vdes/experiments/card.py bundles/breast_cesm_lesion_classification
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
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
from vdes.statistics.auc_within_folds import auc_within_folds

LEAST = 0.05  # share; the fewer patients the more epochs, each with its validation


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="folder of the classifier's bundle")
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="datalists of the folds")
    parser.add_argument("--output", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.5, 1.0], help="of the patients (default: 0.5 1)")
    parser.add_argument("--name", default="model", help="results become docs/results/learning_curve_NAME.json")
    parser.add_argument("--inputs", default="both", help="what is trained on: both, low_energy or des (default: both)")
    parser.add_argument("--epochs", type=int, default=10, help="at most, on all patients (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the training and the shares (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: 2)")
    parser.add_argument("--overwrite", action="store_true", help="replace the results")
    arguments = parser.parse_args()
    result = arguments.bundle / "docs" / "results" / f"learning_curve_{arguments.name}.json"
    try:
        check(arguments.bundle, arguments.folds)
        if not all(LEAST <= share <= 1 for share in arguments.shares):
            raise InputError(f"--shares: expected numbers of {LEAST:g} to 1, got {arguments.shares}")
        if result.exists() and not arguments.overwrite:
            raise InputError(f"{result}: exists already; pass --overwrite to replace it")
        content = curve(arguments)
        result.parent.mkdir(parents=True, exist_ok=True)
        with staged([result], overwrite=True) as stages:
            stages[result].write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {result}")
    return 0


def curve(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and score all runs, and return the results."""
    shares = sorted(set(arguments.shares))
    runs = [(share, k, *share_of(arguments, share, k)) for share in shares for k in range(len(arguments.folds))]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = [pool.submit(train_share, arguments, share, k, datalist) for share, k, datalist, _ in runs]
        for job in tqdm(jobs, desc="runs", unit="run"):
            job.result()
    points = []
    for share in shares:
        tests = [
            predictions(folder(arguments, share) / f"fold{k}", "test", arguments.inputs)
            for k in range(len(arguments.folds))
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
        "data": read_json(arguments.folds[0])["name"],
        "folds_sha256": [hashlib.sha256(fold.read_bytes()).hexdigest() for fold in arguments.folds],
        "inputs": arguments.inputs,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "resamples": RESAMPLES,
        "points": points,
        "versions": versions(),
    }


def folder(arguments: argparse.Namespace, share: float) -> Path:
    """Return the folder of a share's runs."""
    output: Path = arguments.output / f"share{share:g}"
    return output


def share_of(arguments: argparse.Namespace, share: float, k: int) -> tuple[Path, int]:
    """Write the datalist of a fold with a share of its training patients, and return it with their number."""
    source = arguments.folds[k]
    datalist = read_datalist(source)
    file = source
    if share < 1:
        # the start of a stratified line of patients
        datalist["training"] = hold_out(datalist["training"], share, 0.0, arguments.seed)["test"]
        file = folder(arguments, share) / f"fold{k}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_datalist(file, datalist, overwrite=True)
    return file, len({item["patient"] for item in datalist["training"]})


def train_share(arguments: argparse.Namespace, share: float, k: int, datalist: Path) -> None:
    """Train on a share of a fold's training patients and score its test patients."""
    own = {"output": folder(arguments, share), "epochs": round(arguments.epochs / share)}
    train(
        argparse.Namespace(**{**vars(arguments), **own}),
        f"fold{k}",
        datalist,
        [arguments.inputs],
        cache_dir=arguments.output / "cache",
        patience=round(PATIENCE / share),
    )


if __name__ == "__main__":
    sys.exit(main())
