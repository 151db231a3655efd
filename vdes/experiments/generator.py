"""Train a generator bundle's shipped weights: every arm and seed, on the same patient split, and keep the best.

A run is the stages of the bundle's docs/recipe.yaml, each of them the bundle's own train.yaml, going on from the
weights of the stage before; then evaluate.yaml on the patients of each section. A run that was interrupted goes on
where it stopped, and a finished one is not repeated: give the same command again. The weights that are best on the
validation patients become models/NAME.pt in half precision, and all runs are listed in docs/results/runs_NAME.json.

    vdes datalist cdd-cesm DIR --output datalist.json
    vdes train generator bundles/breast_cesm_virtual_des_unet --datalist datalist.json --output runs/unet
    vdes experiment card bundles/breast_cesm_virtual_des_unet --datalist datalist.json
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from tqdm import tqdm

from vdes.bundle.process import run_workflow
from vdes.data.staging import staged
from vdes.data.training_record import RECORD_SUFFIX, training_record
from vdes.errors import InputError
from vdes.experiments.settings import GeneratorTraining
from vdes.handlers.provenance import provenance
from vdes.networks.weights import half_precision
from vdes.statistics.bootstrap import cluster_bootstrap_mean

RECIPE = "docs/recipe.yaml"
EVALUATED = ("training", "validation", "test")  # training beside test tells whether more patients would help
CHOSEN_BY = "psnr_breast"
REPORTED = ("psnr_breast", "ssim_breast", "correlation_breast", "mae_breast", "lesion_cnr")


@dataclass(frozen=True)
class Run:
    """One arm and seed."""

    arm: str
    seed: int
    folder: Path
    last_stage: str

    @property
    def last(self) -> Path:
        """The folder of the last stage, whose best weights are the run's."""
        return self.folder / self.last_stage

    @property
    def weights(self) -> Path:
        """The weights of the best validation of the last stage."""
        return self.last / "model.pt"

    def results(self, section: str) -> Path:
        """The folder of its results on a section of the datalist."""
        return self.folder / section


def ship(bundle: Path, settings: GeneratorTraining, overwrite: bool = False) -> None:
    """Train all runs, choose the best on validation, and write the weights and the list of runs.

    Args:
        bundle: folder of the generator's bundle.
        settings: the data, the arms and the seeds.
        overwrite: replace the weights and their list of runs.

    Raises:
        InputError: the folder is not that of a bundle with a recipe, the weights exist already, or a run fails.
    """
    datalist = settings.datalist
    if not (bundle / "configs" / "train.yaml").is_file():
        raise InputError(f"{bundle}: no configs/train.yaml; expected the folder of a bundle")
    recipe = read_recipe(bundle, settings.name)
    height = settings.height or recipe["height"]
    weights = bundle / "models" / f"{settings.name}.pt"
    listed = bundle / "docs" / "results" / f"runs_{settings.name}.json"
    for file in (weights, listed):
        if file.exists() and not overwrite:
            raise InputError(f"{file}: exists already; pass --overwrite to replace it")
    runs = [
        Run(arm, seed, settings.output / f"{Path(arm).stem}_seed{seed}", recipe["stages"][-1]["name"])
        for seed in settings.seeds
        for arm in settings.arms or recipe["arms"]
    ]
    with ThreadPoolExecutor(settings.jobs) as pool:
        jobs = [pool.submit(train, bundle, datalist, run, recipe, height, settings.jobs) for run in runs]
        for job in tqdm(jobs, desc="runs", unit="run"):
            job.result()
    table = [row(run) for run in runs]
    best = max(range(len(runs)), key=lambda i: table[i]["validation"][CHOSEN_BY])
    result = {
        "provenance": provenance(datalist, "test", runs[best].weights),
        "height": height,
        "knob": recipe["knob"],
        "stages": recipe["stages"],
        "runs": table,
        "arms": arm_means(runs),
        "shipped": {"arm": runs[best].arm, "seed": runs[best].seed, "chosen_by": f"validation {CHOSEN_BY}"},
    }
    for folder in (weights.parent, listed.parent):
        folder.mkdir(parents=True, exist_ok=True)
    record = weights.with_suffix(RECORD_SUFFIX)
    with staged([weights, record, listed], overwrite=True) as stages:
        torch.save(half_precision(torch.load(runs[best].weights, weights_only=True)), stages[weights])
        stages[record].write_text(json.dumps(training_record(settings.datalist)) + "\n", encoding="utf-8")
        stages[listed].write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {weights} ({runs[best].arm}, seed {runs[best].seed}) and {listed}")


def read_recipe(bundle: Path, name: str) -> dict[str, Any]:
    """Return the recipe of a bundle's weights: the knob its arms differ in, the arms, the working size and the stages.

    What the recipe says under ``name`` replaces what it says of all weights.
    """
    file = bundle / RECIPE
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected the recipe of {bundle}")
    recipe: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {**recipe, **recipe.get(name, {})}


def train(bundle: Path, datalist: Path, run: Run, recipe: dict[str, Any], height: int, jobs: int) -> None:
    """Train one run in its stages and evaluate it; what is finished is not repeated."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    common = {"cache_dir": run.folder.parent / "cache", "seed": run.seed, "num_workers": 0}
    start: dict[str, Any] = {}
    for stage in recipe["stages"]:
        output = run.folder / stage["name"]
        settings = {recipe["knob"]: run.arm, **stage["settings"], "height": round(height * stage["scale"]), **start}
        if not finished(output, stage["settings"]["epochs"]):
            run_workflow(bundle, ["train"], datalist, output, {**common, **settings}, threads)
        start = {"initial_weights": output / "model.pt"}
    for section in EVALUATED:
        if (run.results(section) / "fidelity.json").is_file():
            continue
        settings = {"height": height, "ckpt_path": run.weights, "section": section, "overwrite": True, **common}
        run_workflow(bundle, ["train", "evaluate"], datalist, run.results(section), settings, threads)


def finished(stage: Path, epochs: int) -> bool:
    """Tell whether a stage was trained for all of its epochs."""
    last = stage / "last.pt"
    return last.is_file() and bool(torch.load(last, weights_only=True)["progress"]["epoch"] == epochs)


def row(run: Run) -> dict[str, Any]:
    """Return what is listed of a run."""
    progress = torch.load(run.last / "last.pt", weights_only=True)["progress"]
    figures = {section: means(run.results(section)) for section in EVALUATED}
    return {"arm": run.arm, "seed": run.seed, "best_epoch": progress["best_metric_epoch"], **figures}


def means(results: Path) -> dict[str, float]:
    """Return the reported means over the cases of one evaluation."""
    summary = pd.DataFrame(json.loads((results / "fidelity.json").read_text(encoding="utf-8"))["summary"])
    rows = summary[(summary["method"] == "virtual_des") & (summary["statistic"] == "mean")]
    values = rows.set_index("metric")["value"]
    return {metric: float(values[metric]) for metric in REPORTED}


def arm_means(runs: list[Run]) -> list[dict[str, Any]]:
    """Return each arm's test figures over its seeds, and their gain over the constant level and over the other arms.

    A case's figure is its mean over the seeds; the intervals are of the patients, not of the seeds.
    """
    tables = {
        arm: pd.concat([pd.read_csv(run.results("test") / "fidelity_per_case.csv") for run in runs if run.arm == arm])
        .groupby(["method", "case", "patient"])[list(REPORTED)]
        .mean()
        for arm in dict.fromkeys(run.arm for run in runs)
    }
    rows = []
    for arm, table in tables.items():
        virtual = table.loc["virtual_des"]
        others = {f"{other}": frame.loc["virtual_des"] for other, frame in tables.items() if other != arm}
        for name, reference in {"": None, "constant": table.loc["constant"], **others}.items():
            values = virtual if reference is None else virtual - reference
            for metric in REPORTED:
                value, low, high = cluster_bootstrap_mean(values[metric], values.index.get_level_values("patient"))
                rows.append({"arm": arm, "minus": name, "metric": metric, "value": value, "low": low, "high": high})
    return [{key: None if value != value else value for key, value in entry.items()} for entry in rows]
