"""The arguments of ``vdes study``: the cases, the models, their training, the question, and plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vdes.data.vocabulary import WorldName
from vdes.errors import InputError
from vdes.study.question import Question

FEWEST = 100  # simulated studies of a check


@dataclass(frozen=True)
class Cases:
    """Where the cases come from: a datalist, CDD-CESM or phantoms.

    Attributes:
        datalist: a datalist, as ``vdes datalist`` writes it.
        cdd_cesm: the official folder of CDD-CESM.
        phantom: make this many phantom test patients, and a third as many for validation, in OUTPUT/data.
        world: the world of the phantoms, see ``vdes phantom --help``. Without it the default phantoms.
    """

    datalist: Path | None = None
    cdd_cesm: Path | None = None
    phantom: int | None = None
    world: WorldName | None = None

    def __post_init__(self) -> None:
        """Check that there is one.

        Raises:
            InputError: none is given, several are, or a world without phantoms.
        """
        given = [name for name in ("datalist", "cdd_cesm", "phantom") if getattr(self, name) is not None]
        if len(given) != 1:
            found = ", ".join(given) or "none"
            raise InputError(f"cases: {found}; expected one of --datalist, --cdd-cesm and --phantom")
        if self.phantom is not None and self.phantom < 3:
            raise InputError(f"--phantom: {self.phantom}; expected 3 test patients or more")
        if self.world is not None and self.phantom is None:
            raise InputError(f"--world: {self.world}; expected --phantom with it, or a datalist of that world without")


@dataclass(frozen=True)
class Models:
    """The generators and the classifier; vdes's own unless others are given.

    Attributes:
        generator: a generator in place of vdes's own, as NAME=BUNDLE: the folder of its bundle, and knobs of its
            inference after commas, such as unet=my_bundle,height=512,ckpt_path=model.pt. May be given several times.
        classifier: the classifier, likewise: my_classifier,ckpt_path=model.pt.
        retrain_epochs: also retrain the classifier on virtual images, for this many epochs. The datalist must have
            training cases.
        trust_bundle: run bundles that are not vdes's own. The configs of a bundle can run any program with your
            rights, so read them first.
        trust_sha256: run a bundle that is not vdes's own if its configs and code have this hash, which the refusal of
            the bundle names. May be given several times.
        other_phantoms: study phantoms with weights that were trained on phantoms of another kind, such as another
            world.
    """

    generator: tuple[str, ...] = ()
    classifier: str | None = None
    retrain_epochs: int | None = None
    trust_bundle: bool = False
    trust_sha256: tuple[str, ...] = ()
    other_phantoms: bool = False


@dataclass(frozen=True)
class Training:
    """Whether the models are trained inside the study, and how.

    Attributes:
        train: train every generator and the classifier inside each fold.
        folds: number of folds, split by patient.
        generator_epochs: epochs of each generator. Without it those of its bundle.
        classifier_epochs: epochs of each classifier. Without it those of its bundle.
        processes: GPUs of each training; with several it is started by torchrun.
    """

    train: bool = False
    folds: int = 5
    generator_epochs: int | None = None
    classifier_epochs: int | None = None
    processes: int = 1


@dataclass(frozen=True)
class Asked:
    """The question, fixed before the run; see `Question`.

    Attributes:
        metric: f1, auc, sensitivity or another metric where more is better.
        level: image, breast or examination.
        margin: largest loss to accept.
        arm: arm that would replace real DES. Without it virtual_des-NAME of the first generator.
        resamples: number of bootstrap samples.
    """

    metric: str = Question.metric
    level: str = Question.level
    margin: float = Question.margin
    arm: str | None = None
    resamples: int = Question.n_resamples


@dataclass(frozen=True)
class Planning:
    """How many patients does a study need?

    Attributes:
        plan: run no study, but print the number of patients that one with this question needs.
        pilot: folder of a finished study, whose patients are drawn with replacement. Without it, assumed values.
        difference: true difference to plan for, between the pilot's and 0. Without it that of the pilot, or 0 if
            virtual DES was better there.
        simulated: simulated studies of each number of patients that is checked.
    """

    plan: bool = False
    pilot: Path | None = None
    difference: float | None = None
    simulated: int = 1_000

    def __post_init__(self) -> None:
        """Check the number of studies.

        Raises:
            InputError: there are too few, or a difference is given without a pilot.
        """
        if self.simulated < FEWEST:
            raise InputError(f"--simulated: {self.simulated}; expected {FEWEST} or more")
        if self.difference is not None and self.pilot is None:
            raise InputError("--difference: expected with --pilot; without a pilot the assumed values state it")


@dataclass(frozen=True)
class Assumed:
    """What is assumed; the pairs are of real and of virtual DES.

    Attributes:
        f1: F1 of real and of virtual DES, such as 0.8 0.78. One of F1, AUC and sensitivity is needed.
        auc: area under the ROC curve of real and of virtual DES.
        sensitivity: sensitivity of real and of virtual DES.
        specificity: specificity of real and of virtual DES.
        prevalence: share of the patients that are malignant.
        images_per_patient: images of a patient, with ``--level image``. Without it 4.
        malignant_images: how many of them are malignant in a malignant patient. Without it half of them.
        correlation: of the scores of real and virtual DES of a case, among malignant cases and among others. The
            lower, the more patients.
        disagreement: share of the cases that are called malignant with only one of real and virtual DES, in place of
            the correlation.
        within: correlation of two images or breasts of a patient.
    """

    f1: tuple[float, float] | None = None
    auc: tuple[float, float] | None = None
    sensitivity: tuple[float, float] | None = None
    specificity: tuple[float, float] = (0.85, 0.85)
    prevalence: float = 0.33
    images_per_patient: int | None = None
    malignant_images: int | None = None
    correlation: float = 0.4
    disagreement: float | None = None
    within: float = 0.5

    def __post_init__(self) -> None:
        """Check all values.

        Raises:
            InputError: not exactly one of F1, AUC and sensitivity is given, or a value is out of range.
        """
        given = [name for name in ("f1", "auc", "sensitivity") if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError(
                f"assumed: {', '.join(given) or 'none'}; expected one of --f1, --auc and --sensitivity, or --pilot"
            )
        for name in (given[0], "specificity"):
            for value in getattr(self, name):
                _check_share(name, value)
        _check_share("prevalence", self.prevalence)
        for name in ("correlation", "within"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"--{name}: {getattr(self, name)}; expected a number of 0 to 1")
        if self.disagreement is not None:
            _check_share("disagreement", self.disagreement)


@dataclass(frozen=True)
class StudyArguments:
    """A study as described by the command line.

    Attributes:
        output: folder of the study.
        cases: where the cases come from.
        models: the models to compare.
        training: whether and how the models are trained.
        question: the question.
        bundles: folder of vdes's own bundles; None for those of the clone or of the installed package.
        height: rows of the images that are compared, and trained on with ``training.train``; None is 256 for phantoms,
            else 512.
        seed: seed of all steps.
    """

    output: Path
    cases: Cases
    models: Models = field(default_factory=Models)
    training: Training = field(default_factory=Training)
    question: Asked = field(default_factory=Asked)
    bundles: Path | None = None
    height: int | None = None
    seed: int = 0


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise InputError(f"--{name}: {value}; expected a number above 0 and below 1")
