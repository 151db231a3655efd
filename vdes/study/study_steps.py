"""The steps of a study."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vdes.bundle.bundle import Bundle
from vdes.bundle.step_inputs import StepInputs, images_of
from vdes.bundle.steps import Step
from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.splits import k_fold
from vdes.data.staging import staged
from vdes.data.training_record import check_trained_on
from vdes.data.virtual_datalist import write_virtual_datalist
from vdes.study.arm_datalists import write_real_datalist
from vdes.study.arm_predictions import read_predictions, test_predictions
from vdes.study.arms import Arm
from vdes.study.contents import CONTENTS
from vdes.study.regions import region_study
from vdes.study.score_images import score_images
from vdes.study.study import PRECISION, REGIONS, SCORED, Study

JUDGED = ("validation", "test")  # the sections that the classifier sees
WORKERS = 2  # processes that score images
PIXELS = 256.0  # image height for which `vdes.bundle.steps.SECONDS` holds


def study_steps(study: Study) -> list[Step]:
    """Return the steps of a study except its report, each after the steps that it needs.

    Raises:
        InputError: the datalist is not valid, has too few patients for the folds, or a model has no training.
    """
    return [step for number, part in enumerate(study.parts) for step in _Part(study, part, number).steps()]


def study_inputs(study: Study) -> StepInputs:
    """Return the images that a study reads, and the weights that it is given.

    Raises:
        InputError: an image does not exist.
    """
    whole = study.trains or study.retrain or study.lesions_alone
    files: dict[str, str | Path] = {**images_of(study.datalist.items(*(SECTIONS if whole else JUDGED)))}
    if not study.trains:
        models = {**study.generators, **({} if study.lesions_alone else {"classifier": study.classifier})}
        files |= {f"weights of {name}": model.given.weights_file for name, model in models.items()}
    return StepInputs(files)


class _Part:
    """One part of a study: the datalist's own split, or a fold."""

    def __init__(self, study: Study, name: str, number: int) -> None:
        self.study, self.name = study, name
        self.fold = number if study.trains else None
        self.folder = study.part(name)
        self._listed: dict[Path, Datalist] = {}  # datalists read or written here, by file
        self.retrains = (study.trains or study.retrain) and not study.lesions_alone
        self.whole = self.retrains or study.lesions_alone  # virtual images of training patients are needed too
        counts = {section: len(study.datalist.items(section)) for section in SECTIONS}
        if study.trains:
            total = sum(counts.values())
            counts["test"] = total // study.folds
            counts["validation"] = round(study.validation_fraction * total)
            counts["training"] = total - counts["test"] - counts["validation"]
        self.judged = sum(counts[section] for section in JUDGED)
        self.training, self.test = counts["training"], counts["test"]

    def steps(self) -> list[Step]:
        """Return its steps."""
        made = self.datalists("real", whole=True)
        units: float = self.judged + self.training
        steps = [self.step("datalist", "datalist", units, self.write_datalists, outputs=made)]
        study = self.study
        for name, model in study.generators.items():
            scale = (int(model.knobs.get("height", study.height)) / PIXELS) ** 2
            if study.trains:
                needs = ["datalist", *([f"train {model.start}"] if model.start else [])]
                units = model.epochs * self.training * scale
                steps.append(self.training_step(f"train {name}", model.kind, units, self.train, name, needs, name))
            needs = [f"train {name}"] if study.trains else ["datalist"]
            units = (self.judged + self.training * self.whole) * scale
            made = [self.images_of(name), *self.datalists(f"virtual-{name}", self.whole)]
            run = partial(self.virtual, name)
            steps.append(self.step(f"virtual {name}", "virtual", units, run, needs, name, outputs=made))
        if not study.lesions_alone:
            steps += self.classifier_steps()
        needs = [f"virtual {name}" for name in study.generators]
        scale = (study.height / PIXELS) ** 2 * len(study.generators)
        made = [self.folder / SCORED]
        steps.append(self.step("images", "images", self.test * scale, self.images, needs, outputs=made))
        if study.lesions_alone:
            units = (self.judged + self.training) * scale
            made = [self.folder / REGIONS]
            steps.append(self.step("regions", "images", units, self.regions, needs, outputs=made))
        return steps

    def classifier_steps(self) -> list[Step]:
        """Return the trainings of the classifier and the predictions of all arms."""
        steps = []
        study = self.study
        sources = {f"virtual-{name}": f"virtual {name}" for name in study.generators}
        for content in dict.fromkeys(arm.content for arm in study.arms if arm.content):
            if CONTENTS[content].write is not None:
                name = sources[content] = f"datalist of {content}"
                run = partial(self.write_content, content)
                made = self.datalists(content, CONTENTS[content].retrained)
                units = self.judged + self.training
                steps.append(self.step(name, "datalist", units, run, ["datalist"], outputs=made))
        units = study.classifier.epochs * self.training if self.retrains else 0
        if study.trains:
            kind, of = "train classifier", ("classifier-real", ["datalist"], "classifier")
            steps.append(self.training_step(kind, kind, units, self.train_classifier, *of))
        for images in dict.fromkeys(arm.images for arm in study.arms if arm.classifier == "retrained"):
            of = (f"classifier-{images}", [sources.get(images, "datalist")], "classifier")
            name = f"train classifier on {images}"
            steps.append(self.training_step(name, "train classifier", units, self.train_classifier, *of))
        for arm in study.arms:
            needs = [sources.get(arm.images, "datalist")]
            if arm.classifier == "retrained":
                needs.append(f"train classifier on {arm.images}")
            elif study.trains:
                needs.append("train classifier")
            both = 2 if arm.inputs == "both" else 1
            units, run, made = both * self.judged, partial(self.predict, arm), [self.folder / "arms" / arm.arm]
            steps.append(self.step(f"predict {arm.arm}", "predict", units, run, needs, "arms", outputs=made))
        return steps

    def training_step(
        self,
        name: str,
        kind: str,
        units: float,
        train: Callable[[str], None],
        output: str,
        needs: list[str],
        model: str,
    ) -> Step:
        """Return the step of a training in the folder ``output``, whose checkpoints are not resumed once it is done."""
        folder = self.trained(output)
        made = [folder / "model.pt", folder / "model.json"]
        return self.step(name, kind, units, partial(train, output), needs, model, outputs=made, restart=[folder])

    def step(
        self,
        name: str,
        kind: str,
        units: float,
        run: Callable[[], None],
        needs: list[str] | None = None,
        model: str | None = None,
        outputs: Sequence[Path] = (),
        restart: Sequence[Path] = (),
    ) -> Step:
        """Return a step, with the name of the part before its name and its needs."""
        wanted = [f"{self.name} {need}" for need in needs or []]
        return Step(f"{self.name} {name}", kind, units, run, wanted, outputs, restart, self.fold, model)

    def datalist(self, images: str, sections: str) -> Path:
        """Return the datalist with the images instead of DES (``real``, ``virtual-<g>``, ...): all, or those tested."""
        return self.folder / "datalists" / f"{images}_{sections}.json"

    def datalists(self, images: str, whole: bool) -> list[Path]:
        """Return the datalists that are written with the images instead of DES."""
        return [self.datalist(images, sections) for sections in (("all", "judged") if whole else ("judged",))]

    def images_of(self, name: str) -> Path:
        """Return the folder of a generator's images."""
        return self.folder / "virtual" / name

    def listed(self, images: str, sections: str) -> Datalist:
        """Return that datalist, which is read once."""
        path = self.datalist(images, sections)
        if path not in self._listed:
            self._listed[path] = Datalist.read(path)
        return self._listed[path]

    def keep(self, datalist: Datalist) -> None:
        """Keep a datalist that was written, to avoid reading it."""
        self._listed[datalist.path] = datalist

    def write_datalists(self) -> None:
        """Write the datalists of real pairs."""
        study = self.study
        self.datalist("real", "all").parent.mkdir(parents=True, exist_ok=True)
        source = study.datalist
        if study.trains:
            content = source.content()
            items = [item for item in source.items() if item["low_energy"] and item["des"]]
            number = int(self.fold or 0)
            content |= k_fold(items, study.folds, study.validation_fraction, study.seed)[number]
            content["split"] = {
                "method": "patients, stratified by pathology",
                "seed": study.seed,
                "folds": study.folds,
                "fold": number,
                "validation_fraction": study.validation_fraction,
            }
            source = Datalist.write(self.folder / "datalists" / "source.json", content, overwrite=True)
        self.keep(write_real_datalist(source, self.datalist("real", "all")))
        self.write_judged("real")

    def write_content(self, name: str) -> None:
        """Write the datalists with other images instead of DES: a separate step, because it may fail alone."""
        content = CONTENTS[name]
        sections = "all" if content.retrained else "judged"
        if content.write is not None:
            source, target = self.listed("real", sections), self.datalist(name, sections)
            self.keep(content.write(source, target, self.study.seed))
        if content.retrained:
            self.write_judged(name)

    def write_judged(self, images: str) -> None:
        """Write the datalist without its training section."""
        content = {**self.listed(images, "all").content(), "training": []}
        self.keep(Datalist.write(self.datalist(images, "judged"), content, overwrite=True))

    def trained(self, name: str) -> Path:
        """Return the folder of a training."""
        return self.folder / "models" / name

    def settings(self) -> dict[str, Any]:
        """Return the knobs that all trainings have."""
        return {"seed": self.study.seed, "cache_dir": (self.folder / "cache").absolute(), "num_workers": 0}

    def train(self, name: str) -> None:
        """Train a generator."""
        model = self.study.generators[name]
        settings = self.settings()
        if model.start:
            settings["initial_weights"] = (self.trained(model.start) / "model.pt").absolute()
        model.train(self.datalist("real", "all"), self.trained(name), settings, self.study.processes)
        self.check(name)

    def train_classifier(self, name: str) -> None:
        """Train a classifier on real images or on others, which its name ends in."""
        images = name.removeprefix("classifier-")
        datalist = self.datalist(images, "all")
        self.study.classifier.train(datalist, self.trained(name), self.settings(), self.study.processes)
        self.check(name)

    def check(self, name: str) -> None:
        """Refuse trained weights with an ancestor, such as an encoder of their bundle, that has seen a test image."""
        test = self.listed("real", "all").items("test")
        check_trained_on(self.trained(name) / "model.pt", test, str(self.study.datalist))

    def virtual(self, name: str) -> None:
        """Make a generator's images and their datalists."""
        model = self.study.generators[name]
        bundle = model.trained(self.trained(name) / "model.pt") if self.study.trains else model.given
        sections = "all" if self.whole else "judged"
        images = self.images_of(name)
        images.parent.mkdir(parents=True, exist_ok=True)
        with staged([images], overwrite=True) as stages:
            self.infer(bundle, self.datalist("real", sections), stages[images])
        target = self.datalist(f"virtual-{name}", sections)
        made_by = bundle.weights_file
        self.keep(write_virtual_datalist(self.listed("real", sections), images, target, True, made_by))
        if self.whole:
            self.write_judged(f"virtual-{name}")

    def predict(self, arm: Arm) -> None:
        """Run the classifier on an arm's images and store its predictions for the test patients."""
        if arm.classifier == "retrained" or self.study.trains:
            images = arm.images if arm.classifier == "retrained" else "real"
            bundle = self.study.classifier.trained(self.trained(f"classifier-{images}") / "model.pt")
        else:
            bundle = self.study.classifier.given
        datalist = self.listed(arm.images, "judged")
        folder = self.folder / "arms" / arm.arm
        folder.parent.mkdir(parents=True, exist_ok=True)
        validation, test = ({item["patient"] for item in datalist.items(section)} for section in JUDGED)
        with staged([folder], overwrite=True) as stages:
            # all arms share the features of their images
            stored = {"feature_cache": self.folder / "features"} if bundle.takes("feature_cache") else {}
            self.infer(bundle, datalist.path, stages[folder], inputs=arm.inputs, **stored)
            file = stages[folder] / "predictions.csv"
            table = read_predictions(file)
            test_predictions(table, validation, test).to_csv(file, index=False)

    @staticmethod
    def infer(bundle: Bundle, datalist: Path, output: Path, **knobs: Any) -> None:
        """Run a bundle's inference in the precision of studies; a process reads ahead where there is a core for it."""
        given = "precision" in bundle.knobs or not bundle.takes("precision")
        portable = {} if given else {"precision": PRECISION}
        bundle.infer(datalist, output, num_workers=min(1, (os.cpu_count() or 1) - 1), **portable, **knobs)

    def images(self) -> None:
        """Score the images, and make the pictures."""
        output = self.folder / SCORED
        if output.is_dir():
            shutil.rmtree(output)  # of a run that was interrupted
        virtual = {name: self.listed(f"virtual-{name}", "judged") for name in self.study.generators}
        score_images(self.listed("real", "all"), virtual, "test", self.study.height, output, WORKERS)

    def regions(self) -> None:
        """Evaluate regions of malignant breasts, if there are no other images to evaluate."""
        virtual = {name: self.listed(f"virtual-{name}", "all") for name in self.study.generators}
        region_study(
            self.listed("real", "all"),
            virtual,
            self.study.height,
            self.folder,
            self.study.seed,
            WORKERS,
            overwrite=True,
        )
