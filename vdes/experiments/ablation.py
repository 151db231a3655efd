"""Train named variants of a generator over folds and seeds: what does each of its components bring?

A variant is a few settings of the bundle's train.yaml, in its docs/ablation.yaml, and differs from the base in them
alone. Each is first tried: one epoch on a few small pairs, so that one that cannot be trained ends the command at once.
Then it is trained in every fold, and the test patients of the folds, whom that run did not train on, are evaluated.
Repeat the command to resume an interrupted run; finished runs are not repeated. Writes docs/results/ablation_NAME.json
and docs/ablation_NAME.png of the bundle::

    vdes datalist cdd-cesm DIR --output pairs.json --folds 5
    vdes experiment ablation bundles/breast_cesm_virtual_des_unet --output runs/ablation \
      --folds pairs_fold0.json pairs_fold1.json pairs_fold2.json pairs_fold3.json pairs_fold4.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from monai.bundle import ConfigParser

from vdes.bundle.knobs import check_number, takes
from vdes.bundle.steps import Step
from vdes.data.datalist import Datalist
from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.errors import InputError
from vdes.experiments.ablation_figure import ablation_figure
from vdes.experiments.ablation_summary import ablation_summary
from vdes.experiments.classifier import check
from vdes.experiments.experiment import MEASURED, TRAINED, Experiment
from vdes.experiments.generator import kind_of_training
from vdes.experiments.settings import Ablation
from vdes.handlers.provenance import sha256

VARIANTS = "docs/ablation.yaml"
BASE = "base"
NETWORK = "network_def#"  # settings of the network, which its evaluation needs as well
TRIED = {"training": 12, "validation": 2}  # pairs of a trial: enough for a batch where some cannot be registered
TRIED_HEIGHT = 64


def write_ablation(bundle: Path, settings: Ablation, overwrite: bool = False) -> list[Path]:
    """Train and evaluate all variants, and write the results and their figure.

    Args:
        bundle: folder of the generator's bundle.
        settings: the folds, the variants and the seeds.
        overwrite: replace the results.

    Returns:
        The files.

    Raises:
        InputError: a variant or one of its settings is unknown, a patient is in the test sections of two folds, the
            results exist already, a variant cannot be trained, or a run fails.
    """
    result = bundle / "docs" / "results" / f"ablation_{settings.name}.json"
    picture = bundle / "docs" / f"ablation_{settings.name}.png"
    variants = read_variants(bundle, settings.variants)
    check(bundle, settings.folds)
    for file in (result, picture):
        if file.exists() and not overwrite:
            raise InputError(f"{file}: exists already; pass --overwrite to replace it")
    experiment = Experiment(settings.output, settings.jobs, "ablation")
    stated = {
        "bundle": bundle.resolve().name,
        "folds_sha256": [sha256(fold) for fold in settings.folds],
        "height": settings.height,
        "base": variants[BASE],
    }
    experiment.open(stated)
    experiment.run(trials(experiment, bundle, variants, settings), settings.folds)
    steps = [step for name in variants for step in steps_of(experiment, bundle, name, variants, settings)]
    experiment.run(steps, settings.folds)
    rows = ablation_summary({name: tables_of(settings, name) for name in variants}, BASE)
    content = {
        "data": Datalist.read(settings.folds[0]).name,
        **{key: stated[key] for key in ("folds_sha256", "height")},
        "seeds": list(settings.seeds),
        "variants": variants,
        "rows": rows,
        "versions": versions(),
    }
    result.parent.mkdir(parents=True, exist_ok=True)
    with staged([result, picture], overwrite=True) as stages:
        stages[result].write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        ablation_figure(rows).savefig(stages[picture], format="png")
    return [result, picture]


def read_variants(bundle: Path, chosen: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Return the settings by variant, the base first; those of a variant include the base's.

    Args:
        bundle: folder of the generator's bundle.
        chosen: variants; without them all.

    Raises:
        InputError: the bundle has no variants, one is unknown, or a setting is none of train.yaml or has a value that
            it cannot have.
    """
    file, config = bundle / VARIANTS, bundle / "configs" / "train.yaml"
    if not (file.is_file() and config.is_file()):
        raise InputError(f"{bundle}: expected the folder of a bundle with {VARIANTS} and configs/train.yaml")
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    base, variants = content["base"], content["variants"]
    if unknown := [name for name in chosen if name not in variants]:
        raise InputError(f"--variants: {unknown[0]}; expected some of {', '.join(variants)}")
    parser = ConfigParser(ConfigParser.load_config_files(str(config)))
    for name, settings in {BASE: base, **variants}.items():
        for knob, value in settings.items():
            if not takes(parser, knob):
                raise InputError(f"{file}: {name}: {knob} is no setting of {config}")
            check_number(f"{file}: {name}: {knob}", knob, parser.get(knob), value)
    return {BASE: dict(base), **{name: {**base, **variants[name]} for name in chosen or variants}}


def folder(settings: Ablation, variant: str, seed: int, fold: int) -> Path:
    """Return the folder of a run."""
    output: Path = settings.output / _folder_name(variant) / f"seed{seed}" / f"fold{fold}"
    return output


def trials(
    experiment: Experiment, bundle: Path, variants: Mapping[str, Mapping[str, Any]], settings: Ablation
) -> list[Step]:
    """Return the steps that try the variants: each a short training on a few pairs of the first fold.

    They are no steps that others need: a trial that is run again repeats no training.
    """
    place = settings.output / "trials"
    content = Datalist.read(settings.folds[0]).content()
    for section, number in TRIED.items():
        # those with drawn lesions first: a loss of them cannot be tried without
        content[section] = sorted(content[section], key=lambda item: not _drawn(item))[:number]
    place.mkdir(exist_ok=True)
    few = Datalist.write(place / "pairs.json", content | {"test": []}, overwrite=True)
    common = {"height": TRIED_HEIGHT, "num_workers": 0, "cache_dir": place / "cache"}
    return [
        experiment.workflow(
            *(place / _folder_name(name), "model.pt", bundle, ["train"], few.path),
            {**knobs, "epochs": 1, "val_interval": 1, **common},
            kind=kind_of_training(bundle),
            images=TRIED["training"],
            height=TRIED_HEIGHT,
        )
        for name, knobs in variants.items()
    ]


def _drawn(item: Mapping[str, Any]) -> bool:
    return bool(item.get("lesion_mask") or item.get("des_lesion_mask"))


def _folder_name(variant: str) -> str:
    return variant.replace(" ", "_").replace(",", "")


def steps_of(
    experiment: Experiment, bundle: Path, name: str, variants: Mapping[str, Mapping[str, Any]], settings: Ablation
) -> list[Step]:
    """Return the steps of a variant: in each fold and for each seed its training and its evaluation."""
    knobs = variants[name]
    network = {knob: value for knob, value in knobs.items() if knob.startswith(NETWORK)}
    steps = []
    for seed in settings.seeds:
        for fold, datalist in enumerate(settings.folds):
            run = folder(settings, name, seed, fold)
            items = Datalist.read(datalist)
            common = {"cache_dir": experiment.cache, "height": settings.height, "num_workers": 0, "seed": seed}
            training = experiment.workflow(
                *(run / "training", TRAINED, bundle, ["train"], datalist, {**knobs, **common}),
                kind=kind_of_training(bundle),
                images=len(items.items("training")) * knobs["epochs"],
                height=settings.height,
            )
            weights = {"ckpt_path": run / "training" / "model.pt", "section": "test", "overwrite": True}
            measured = [*MEASURED, "lesions.csv"]
            evaluation = experiment.workflow(
                *(run / "test", measured, bundle, ["train", "evaluate"], datalist, {**common, **network, **weights}),
                kind="evaluate",
                images=len(items.items("test")),
                height=settings.height,
                needs=[training.name],
            )
            steps += [training, evaluation]
    return steps


def tables_of(settings: Ablation, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a variant's per-case tables and tables of lesions of all folds, a run of a seed after the other."""
    folds = range(len(settings.folds))
    runs = [folder(settings, name, seed, fold) / "test" for seed in settings.seeds for fold in folds]
    cases, lesions = (
        pd.concat([pd.read_csv(run / file, dtype={"case": str, "patient": str}) for run in runs])
        for file in ("fidelity_per_case.csv", "lesions.csv")
    )
    return cases, lesions
