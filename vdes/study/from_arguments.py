"""From the arguments of ``vdes study`` to the study."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from vdes.data.cdd_cesm.datalist import write_cdd_cesm
from vdes.data.datalist import read_json
from vdes.data.staging import new_folder
from vdes.errors import InputError
from vdes.phantom.generate import DATALIST_FILE, generate
from vdes.phantom.settings import Settings
from vdes.study.defaults import fitting_weights, shipped_classifier, shipped_generators, trained_generators
from vdes.study.models import Model
from vdes.study.question import Question
from vdes.study.study import DATA, Study

TEST_SHARE = 0.75  # of the phantom patients; the others are for validation
PHANTOM_SEED = 1000  # far from the seeds of the sets that the shipped weights were trained on
PHANTOM_SIZE = 256


def study_from_arguments(arguments: argparse.Namespace) -> Study:
    """Return the study that a command line asks for; its phantoms are made, its CDD-CESM is listed, where they are not.

    Raises:
        InputError: an argument cannot be used.
    """
    datalist = _datalist(arguments)
    phantom = fitting_weights(datalist) == "model_phantom"
    height = arguments.height or (256 if phantom else 512)
    classifier_epochs = arguments.classifier_epochs if arguments.train else arguments.retrain_epochs
    if arguments.train:
        generators = trained_generators(arguments.bundles, height, arguments.generator_epochs)
    else:
        generators = shipped_generators(arguments.bundles, fitting_weights(datalist))
    if arguments.generator:
        given = dict(_generator(text) for text in arguments.generator)
        if arguments.train:
            epochs = {} if arguments.generator_epochs is None else {"epochs": arguments.generator_epochs}
            given = {name: replace(model, training={**model.knobs, **epochs}) for name, model in given.items()}
        generators = given
    classifier = shipped_classifier(arguments.bundles, fitting_weights(datalist), classifier_epochs)
    if arguments.classifier:
        given_classifier = _model(arguments.classifier, "classifier")
        classifier = replace(given_classifier, training=classifier.training, kind=classifier.kind)
    return Study(
        datalist=datalist,
        output=arguments.output,
        generators=generators,
        classifier=classifier,
        question=Question(
            arm=arguments.arm or f"virtual_des-{next(iter(generators))}",
            metric=arguments.metric,
            level=arguments.level,
            margin=arguments.margin,
            n_resamples=arguments.resamples,
            seed=arguments.seed,
        ),
        height=height,
        folds=arguments.folds if arguments.train else 0,
        retrain=arguments.retrain_epochs is not None and not arguments.train,
        seed=arguments.seed,
        processes=arguments.processes,
    )


def _datalist(arguments: argparse.Namespace) -> Path:
    """Return the datalist, made where the command line asks for it and it is not there yet."""
    if arguments.datalist is not None:
        return Path(arguments.datalist)
    folder = arguments.output / DATA
    if arguments.phantom is not None:
        if arguments.phantom < 3:
            raise InputError(f"--phantom: {arguments.phantom}; expected 3 test patients or more")
        settings = Settings(
            patients=round(arguments.phantom / TEST_SHARE),
            seed=PHANTOM_SEED + arguments.seed,
            size=PHANTOM_SIZE,
            test_fraction=TEST_SHARE,
            validation_fraction=1 - TEST_SHARE,
        )
        file = folder / "phantom" / DATALIST_FILE
        if file.is_file():
            found = read_json(file)["phantom"]
            differs = [key for key, value in settings.record().items() if found.get(key) != value]
            if differs:
                raise InputError(
                    f"{folder}: holds phantoms of {differs[0]} {found.get(differs[0])!r}, expected "
                    f"{settings.record()[differs[0]]!r}; name another --output"
                )
            return file
        file.parent.parent.mkdir(parents=True, exist_ok=True)
        return generate(file.parent, settings, workers=2)
    file = folder / "cdd_cesm.json"
    if not file.is_file():
        with new_folder(folder):
            write_cdd_cesm(arguments.cdd_cesm, file, seed=arguments.seed)
    return file


def _generator(text: str) -> tuple[str, Model]:
    name, equals, rest = text.partition("=")
    if not equals or not name or not rest:
        raise InputError(f"--generator: {text!r}; expected NAME=BUNDLE, such as unet=bundles/my_unet,height=512")
    return name, _model(rest, f"generator {name}")


def _model(text: str, where: str) -> Model:
    """Read a bundle's folder and the knobs behind it."""
    bundle, *pairs = text.split(",")
    knobs: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InputError(f"{where}: {pair!r}; expected a knob of its inference such as height=512")
        knobs[key] = yaml.safe_load(value)
    weights = knobs.pop("ckpt_path", None)
    return Model(Path(bundle), None if weights is None else Path(weights), knobs)
