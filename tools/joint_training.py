"""Measure what joint training does to the U-Net's images and to their classification, beside a frozen U-Net.

Two arms start from the same weights of U-Net and classifier and see the same images: `frozen`, whose classifier learns
on the U-Net's images as they are, and `joint`, where the classifier's loss flows back into the U-Net. Each arm's U-Net
is scored by its bundle's evaluation and makes virtual DES images of all cases; its classifier, calibrated on those of
the validation patients, is scored on those of the test patients. An interrupted run goes on where it stopped.

    vdes phantom fatty --patients 400 --seed 50 --size 256 --density a --workers 2
    python tools/joint_training.py --datalist fatty/datalist.json --output runs/joint --epochs 3
    python tools/model_card.py bundles/breast_cesm_virtual_des_unet
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
from tqdm import tqdm

from vdes.data.datalist import read_datalist
from vdes.data.staging import staged
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.errors import InputError
from vdes.report.provenance import provenance
from vdes.statistics.bootstrap import cluster_bootstrap_mean
from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.bundle_process import run_workflow
from vdes.study.trained_on import check_trained_on

BUNDLES = Path(__file__).resolve().parents[1] / "bundles"
GENERATOR = BUNDLES / "breast_cesm_virtual_des_unet"
CLASSIFIER = BUNDLES / "breast_cesm_lesion_classification"
ARMS: dict[str, dict[str, Any]] = {"frozen": {"freeze_generator": True}, "joint": {}}
FIDELITY = ("psnr_breast", "ssim_breast", "correlation_breast", "lesion_cnr")
CLASSIFICATION = ("f1", "auc", "sensitivity", "specificity")
LEVELS = ("image", "examination")
REFERENCE = "frozen"


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
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, help="arms at a time (default: 2)")
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
            jobs = [pool.submit(run_arm, arguments, arm) for arm in ARMS]
            for job in tqdm(jobs, desc="arms", unit="arm"):
                job.result()
        result.parent.mkdir(parents=True, exist_ok=True)
        with staged([result], overwrite=True) as stages:
            stages[result].write_text(json.dumps(results(arguments), indent=2) + "\n", encoding="utf-8")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {result}")
    return 0


def run_arm(arguments: argparse.Namespace, arm: str) -> None:
    """Train an arm and score it; what is finished is not repeated."""
    threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
    datalist, folder = arguments.datalist, arguments.output / arm
    trained = folder / "trained"
    common = {"num_workers": 0, "seed": arguments.seed, "cache_dir": arguments.output / "cache"}
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
    }
    step(trained, "model.pt", GENERATOR, ["train", "joint"], datalist, {**common, **training, **ARMS[arm]})
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
    source = provenance(arguments.datalist, "test", arguments.initial_weights)
    tables = {arm: pd.read_csv(arguments.output / arm / "fidelity" / "fidelity_per_case.csv") for arm in ARMS}
    virtual = {arm: table[table["method"] == "virtual_des"].set_index("case") for arm, table in tables.items()}
    predicted = {
        arm: pd.read_csv(arguments.output / arm / "classification" / "predictions.csv", keep_default_na=False)
        for arm in ARMS
    }
    classification = []
    for level in LEVELS:
        arms = {arm: table[table["level"] == level] for arm, table in predicted.items()}
        compared = paired_bootstrap(arms, REFERENCE, CLASSIFICATION, n_resamples=2000)
        classification += compared.assign(level=level).to_dict("records")
    rows = [row for arm in ARMS for row in fidelity_rows(arm, virtual)]
    return {
        "provenance": source,
        "epochs": arguments.epochs,
        "classification_weight": arguments.weight,
        "height": arguments.height,
        "fidelity": [{key: None if value != value else value for key, value in row.items()} for row in rows],
        "classification": [
            {key: None if value != value else value for key, value in row.items()} for row in classification
        ],
    }


def fidelity_rows(arm: str, tables: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return an arm's mean fidelity and its difference to the reference arm, with patient-bootstrap intervals."""
    rows = []
    table, reference = tables[arm], tables[REFERENCE]
    for metric in FIDELITY:
        values = {"value": table[metric]}
        if arm != REFERENCE:
            values["difference"] = table[metric] - reference[metric].reindex(table.index)
        for statistic, value in values.items():
            mean, low, high = cluster_bootstrap_mean(value, table["patient"])
            counts = {"cases": int(value.notna().sum()), "patients": int(table["patient"][value.notna()].nunique())}
            found = {"value": mean, "low": low, "high": high}
            rows.append({"arm": arm, "metric": metric, "statistic": statistic, **found, **counts})
    return rows


if __name__ == "__main__":
    sys.exit(main())
