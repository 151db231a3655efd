"""The settings of a study, and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vdes.bundle.job_folder import open_job
from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.further_columns import FIELD, check_columns
from vdes.errors import InputError
from vdes.study.arms import Arm, study_arms
from vdes.study.models import Model, seen_inputs
from vdes.study.question import Question
from vdes.study.regions import region_arms

PARTS, STEPS = "parts", "steps"
PRECISION = "float32"  # of inference, so that the figures are the same on every machine
SCORED, REGIONS = "scored", "regions"  # folders of a part
DATA = "data"  # of a study that made or listed its own cases; it stays when the study is started again
MADE = (
    PARTS,
    STEPS,
    "arms",
    "images",
    "regions",
    "figures",
    "metrics.json",
    "cases.json",
    "report.html",
    "reader_study.json",  # written by a reader study that joins the report
)


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        datalist: the cases.
        output: the folder to work in.
        generators: by name.
        classifier: the classifier of all arms. If all cases are malignant it is not used and regions are evaluated, see
            `vdes.study.regions`.
        question: the question, fixed before the run.
        height: rows of the grid on which images are compared.
        folds: 0 uses the datalist's own split and the given weights; 2 or more trains all models in each fold, so that
            every patient is a test patient once.
        retrain: also retrain the classifier on the images of the virtual arms; always done with folds.
        seed: seed of splits, trainings and shuffling.
        processes: processes of each training; above 1 with torchrun.
        other_phantoms: also run weights that were trained on phantoms of another kind.
        validation_fraction: fraction of the patients for validation, in each fold.
    """

    datalist: Datalist
    output: Path
    generators: Mapping[str, Model]
    classifier: Model
    question: Question
    height: int = 256
    folds: int = 0
    retrain: bool = False
    seed: int = 0
    processes: int = 1
    other_phantoms: bool = False
    validation_fraction: float = 0.15

    def __post_init__(self) -> None:
        """Check the settings that do not depend on the data."""
        if self.folds < 0 or self.folds == 1:
            raise InputError(f"folds: {self.folds}; expected 2 or more, or 0 for the datalist's own split")
        if not self.generators:
            raise InputError("generators: none; expected at least one")
        for name, model in self.generators.items():
            if not name.replace("_", "").replace("-", "").isalnum():
                raise InputError(f"generators: {name!r}; expected a name of letters, digits, - and _")
            if model.start is not None and model.start not in self.generators:
                raise InputError(f"generators: {name}: starts from {model.start!r}, which is not one of them")
        judged = self.datalist.items(*(SECTIONS if self.trains else ("test",)))
        check_columns(self.columns, judged, str(self.datalist))
        self.question.reference(self.arms or region_arms(list(self.generators)))

    @cached_property
    def lesions_alone(self) -> bool:
        """Whether all test cases are malignant, so that regions are evaluated instead of images.

        Raises:
            InputError: the datalist cannot be read, or none of the cases is malignant.
        """
        judged = self.datalist.items(*(SECTIONS if self.trains else ("test",)))
        labels = {item["malignant"] for item in judged if item["malignant"] is not None}
        if 1 not in labels:
            found = "none is malignant" if labels else "none has a pathology"
            where = "items" if self.trains else "test"
            raise InputError(
                f"{self.datalist}: {where}: of {len(judged)}, {found}; expected malignant and other cases, or "
                "malignant ones with their lesions drawn"
            )
        return labels == {1}

    @property
    def columns(self) -> list[str]:
        """The further columns of the datalist, which form subgroups."""
        return list(self.datalist.fields.get(FIELD, ()))

    @property
    def trains(self) -> bool:
        """Whether the models are trained inside the study."""
        return self.folds > 0

    @property
    def parts(self) -> list[str]:
        """The names of its parts, each with its own split."""
        return [f"fold{k}" for k in range(self.folds)] if self.trains else ["split"]

    @cached_property
    def arms(self) -> list[Arm]:
        """The arms of images that its models allow; none if regions are evaluated instead.

        Raises:
            InputError: as `lesions_alone`, or the classifier's weights cannot be opened.
        """
        if self.lesions_alone:
            return []
        seen = None if self.trains else seen_inputs(self.classifier.given)
        return study_arms(list(self.generators), self.trains or self.retrain, seen)

    def part(self, name: str) -> Path:
        """Return the folder of a part."""
        return self.output / PARTS / name

    def settings(self) -> dict[str, Any]:
        """Return the settings that determine the figures; a run with equal settings can resume another."""
        models = {**self.generators, "classifier": self.classifier}
        return {
            "datalist_sha256": self.datalist.sha256,
            "data": self.datalist.name,
            "models": {name: self._described(model) for name, model in models.items()},
            "question": self.question.record(),
            **{name: getattr(self, name) for name in ("height", "folds", "retrain", "seed", "validation_fraction")},
        }

    def _described(self, model: Model) -> dict[str, Any]:
        described: dict[str, Any] = {"bundle": model.bundle.resolve().name, "knobs": dict(model.knobs)}
        if self.trains or (self.retrain and model is self.classifier):
            described |= {"configs": list(model.configs), "training": dict(model.training), "start": model.start}
        if not self.trains:
            described["weights_sha256"] = model.given.weights_sha256
        return described

    def open_folder(self, overwrite: bool) -> None:
        """Make the folder, or resume a study with the same settings in it.

        Raises:
            InputError: the folder holds another study or other files.
        """
        open_job(self.output, self.settings(), "study", MADE, overwrite, kept=(DATA,))
