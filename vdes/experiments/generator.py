"""Train a generator bundle's shipped weights: every arm and seed, on the same patient split, and keep the best.

A run consists of the stages of the bundle's docs/recipe.yaml, each of them the bundle's own train.yaml, starting from
the weights of the stage before; then evaluate.yaml on the patients of each section. Repeat the command to resume an
interrupted run; finished runs are not repeated. The weights that are best on the validation patients become
models/NAME.pt in half precision, and docs/results/runs_NAME.json lists all runs.

    vdes datalist cdd-cesm DIR --output datalist.json
    vdes train generator bundles/breast_cesm_virtual_des_unet --datalist datalist.json --output runs/unet
    vdes experiment card bundles/breast_cesm_virtual_des_unet --datalist datalist.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from vdes.bundle.steps import Step
from vdes.data.datalist import Datalist
from vdes.data.staging import staged
from vdes.data.training_record import RECORD_SUFFIX, known_record, sealed
from vdes.errors import InputError
from vdes.experiments.experiment import MEASURED, TRAINED, Experiment
from vdes.experiments.settings import GeneratorTraining
from vdes.handlers.provenance import provenance, sha256
from vdes.handlers.save_weights import save_state
from vdes.networks.weights import half_precision
from vdes.statistics.bootstrap import cluster_bootstrap_mean

RECIPE = "docs/recipe.yaml"
EVALUATED = (
    "training",
    "validation",
    "test",
)  # training figures, compared with test, show whether more patients would help
CHOSEN_BY = "correlation_breast"  # PSNR also counts the level, which display processing sets, and favours smooth images
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
        InputError: the folder is not a bundle with a recipe, the weights exist already, or a run fails.
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
    cases = Datalist.read(datalist)
    counts = {section: len(cases.items(section)) for section in EVALUATED}
    experiment = Experiment(settings.output, settings.jobs, "training")
    stated = {"bundle": bundle.resolve().name, "datalist_sha256": sha256(datalist), "recipe": recipe, "height": height}
    experiment.open(stated)
    experiment.run(
        [step for run in runs for step in steps_of(experiment, bundle, datalist, run, recipe, height, counts)],
        [datalist],
    )
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
    record, origin = weights.with_suffix(RECORD_SUFFIX), known_record(runs[best].weights)
    with staged([weights, record, listed], overwrite=True) as stages:
        save_state(half_precision(torch.load(runs[best].weights, weights_only=True)), stages[weights])
        stages[record].write_text(sealed(origin, stages[weights]), encoding="utf-8")
        stages[listed].write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {weights} ({runs[best].arm}, seed {runs[best].seed}) and {listed}")


def read_recipe(bundle: Path, name: str) -> dict[str, Any]:
    """Return the recipe of a bundle's weights: the knob its arms differ in, the arms, the working size and the stages.

    Entries of the recipe under ``name`` replace those for all weights.
    """
    file = bundle / RECIPE
    if not file.is_file():
        raise InputError(f"{file}: no such file; expected the recipe of {bundle}")
    recipe: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {**recipe, **recipe.get(name, {})}


def steps_of(
    experiment: Experiment,
    bundle: Path,
    datalist: Path,
    run: Run,
    recipe: dict[str, Any],
    height: int,
    counts: Mapping[str, int],
) -> list[Step]:
    """Return the steps of one run: its stages, each from the weights of the one before, and its evaluations."""
    common = {"cache_dir": experiment.cache, "seed": run.seed, "num_workers": 0}
    kind = kind_of_training(bundle)
    steps: list[Step] = []
    start: dict[str, Any] = {}
    for stage in recipe["stages"]:
        output, rows = run.folder / stage["name"], round(height * stage["scale"])
        knobs = {**common, recipe["knob"]: run.arm, **stage["settings"], "height": rows, **start}
        images, needs = counts["training"] * stage["settings"]["epochs"], [step.name for step in steps[-1:]]
        steps.append(
            experiment.workflow(
                *(output, TRAINED, bundle, ["train"], datalist, knobs),
                kind=kind,
                images=images,
                height=rows,
                needs=needs,
            )
        )
        start = {"initial_weights": output / "model.pt"}
    trained = steps[-1].name
    for section, images in counts.items():
        output = run.results(section)
        knobs = {**common, "height": height, "ckpt_path": run.weights, "section": section, "overwrite": True}
        steps.append(
            experiment.workflow(
                *(output, MEASURED, bundle, ["train", "evaluate"], datalist, knobs),
                kind="evaluate",
                images=images,
                height=height,
                needs=[trained],
            )
        )
    return steps


def kind_of_training(bundle: Path) -> str:
    """Return which of `vdes.bundle.steps.SECONDS` the training of a generator takes."""
    return "train cyclegan" if "cyclegan" in bundle.resolve().name else "train unet"


def row(run: Run) -> dict[str, Any]:
    """Return the list entry of a run."""
    progress = torch.load(run.last / "last.pt", weights_only=True)["progress"]
    figures = {section: means(run.results(section)) for section in EVALUATED}
    return {"arm": run.arm, "seed": run.seed, "best_epoch": progress["best_metric_epoch"], **figures}


def means(results: Path) -> dict[str, float | None]:
    """Return the reported means over the cases of one evaluation; None if no case has one, as without lesions."""
    summary = pd.DataFrame(json.loads((results / "fidelity.json").read_text(encoding="utf-8"))["summary"])
    rows = summary[(summary["method"] == "virtual_des") & (summary["statistic"] == "mean")]
    values = rows.set_index("metric")["value"]
    return {metric: float(values[metric]) if metric in values else None for metric in REPORTED}


def arm_means(runs: list[Run]) -> list[dict[str, Any]]:
    """Return each arm's test figures over its seeds, and their gain over the constant level and over the other arms.

    A case's figure is its mean over the seeds; the intervals cover the sampling of patients, not of seeds.
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
