"""Make the study from the arguments of ``vdes study``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from vdes.bundle.locate import find_bundles
from vdes.bundle.trust import check_trust
from vdes.data.cdd_cesm.datalist import write_cdd_cesm
from vdes.data.cdd_cesm.settings import CddCesmSettings
from vdes.data.datalist import Datalist
from vdes.data.staging import new_folder
from vdes.errors import InputError
from vdes.phantom.generate import DATALIST_FILE, generate
from vdes.phantom.settings import Settings
from vdes.phantom.worlds import in_world
from vdes.study.arguments import StudyArguments
from vdes.study.defaults import (
    classifier_to_train,
    fitting_weights,
    shipped_classifier,
    shipped_generators,
    trained_generators,
)
from vdes.study.models import Model
from vdes.study.question import Question
from vdes.study.study import DATA, Study

TEST_SHARE = 0.75  # of the phantom patients; the others are for validation
PHANTOM_SEED = 1000  # far from the seeds of the sets that the shipped weights were trained on
PHANTOM_SIZE = 256


def study_from_arguments(arguments: StudyArguments) -> Study:
    """Return the study that the arguments describe; simulate its phantoms or list its CDD-CESM first, if needed.

    Raises:
        InputError: an argument cannot be used.
    """
    models, training, asked = arguments.models, arguments.training, arguments.question
    if not (models.generator and models.classifier):
        find_bundles(arguments.bundles)  # raise errors before phantoms are made
    given = dict(_generator(text) for text in models.generator)
    classifier = _model(models.classifier, "classifier") if models.classifier else None
    for model in (*given.values(), *filter(None, [classifier])):
        check_trust(model.bundle, models.trust_bundle, arguments.bundles, models.trust_sha256)
        if not training.train:
            _ = model.given  # its errors too
    datalist = _datalist(arguments)
    weights = fitting_weights(datalist)
    height = arguments.height or (256 if weights == "model_phantom" else 512)
    if given:
        generators = given
        if training.train:
            epochs = {} if training.generator_epochs is None else {"epochs": training.generator_epochs}
            generators = {name: replace(model, training={**model.knobs, **epochs}) for name, model in given.items()}
    elif training.train:
        generators = trained_generators(find_bundles(arguments.bundles), height, training.generator_epochs)
    else:
        generators = shipped_generators(find_bundles(arguments.bundles), weights)
    classifier_epochs = training.classifier_epochs if training.train else models.retrain_epochs
    if classifier is not None:
        classifier = classifier_to_train(classifier, classifier_epochs)
    else:
        classifier = shipped_classifier(find_bundles(arguments.bundles), weights, classifier_epochs)
    return Study(
        datalist=datalist,
        output=arguments.output,
        generators=generators,
        classifier=classifier,
        question=Question(
            arm=asked.arm or f"virtual_des-{next(iter(generators))}",
            metric=asked.metric,
            level=asked.level,
            margin=asked.margin,
            n_resamples=asked.resamples,
            seed=arguments.seed,
        ),
        height=height,
        folds=training.folds if training.train else 0,
        retrain=models.retrain_epochs is not None and not training.train,
        seed=arguments.seed,
        processes=training.processes,
        other_phantoms=models.other_phantoms,
    )


def _datalist(arguments: StudyArguments) -> Datalist:
    """Return the datalist; make it if the arguments ask for it and it does not exist yet."""
    cases = arguments.cases
    if cases.datalist is not None:
        return Datalist.read(cases.datalist)
    folder = arguments.output / DATA
    if cases.phantom is not None:
        settings = Settings(
            patients=round(cases.phantom / TEST_SHARE),
            seed=PHANTOM_SEED + arguments.seed,
            size=PHANTOM_SIZE,
            test_fraction=TEST_SHARE,
            validation_fraction=1 - TEST_SHARE,
        )
        settings = in_world(settings, cases.world)
        file = folder / "phantom" / DATALIST_FILE
        if file.is_file():
            datalist = Datalist.read(file)
            found = datalist.fields["phantom"]
            differs = [key for key, value in settings.record().items() if found.get(key) != value]
            if differs:
                raise InputError(
                    f"{folder}: holds phantoms of {differs[0]} {found.get(differs[0])!r}, expected "
                    f"{settings.record()[differs[0]]!r}; name another --output"
                )
            return datalist
        file.parent.parent.mkdir(parents=True, exist_ok=True)
        return Datalist.read(generate(file.parent, settings, workers=2))
    file = folder / "cdd_cesm.json"
    if not file.is_file():
        with new_folder(folder):
            write_cdd_cesm(Path(str(cases.cdd_cesm)), file, CddCesmSettings(seed=arguments.seed))
    return Datalist.read(file)


def _generator(text: str) -> tuple[str, Model]:
    name, equals, rest = text.partition("=")
    if not equals or not name or not rest:
        raise InputError(f"--generator: {text!r}; expected NAME=BUNDLE, such as unet=bundles/my_unet,height=512")
    return name, _model(rest, f"generator {name}")


def _model(text: str, where: str) -> Model:
    """Read a bundle's folder and the knobs that follow it."""
    bundle, *pairs = text.split(",")
    knobs: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InputError(f"{where}: {pair!r}; expected a knob of its inference such as height=512")
        knobs[key] = yaml.safe_load(value)
    weights = knobs.pop("ckpt_path", None)
    return Model(Path(bundle), None if weights is None else Path(weights), knobs)
