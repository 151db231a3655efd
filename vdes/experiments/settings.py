"""The settings of the experiments, one class each; each class names the module of its experiment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vdes.errors import InputError

LEAST_SHARE = 0.05  # fewer patients mean more epochs, each with its validation


@dataclass(frozen=True)
class GeneratorTraining:
    """A generator's shipped weights: every arm and seed on one split; see `vdes.experiments.generator`.

    Attributes:
        datalist: datalist with training, validation and test sections.
        output: folder of the runs.
        name: the weights become models/NAME.pt of the bundle.
        arms: values of the knob that the arms differ in. Without them those of the bundle's docs/recipe.yaml.
        seeds: seeds of each arm, one run each.
        height: working size in pixels. Without it that of the recipe.
        jobs: number of runs at a time.
    """

    datalist: Path
    output: Path
    name: str = "model"
    arms: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    height: int | None = None
    jobs: int = 2


@dataclass(frozen=True)
class ClassifierTraining:
    """The classifier's shipped weights on one split, and by folds; see `vdes.experiments.classifier`.

    Attributes:
        datalist: datalist with training, validation and test sections.
        output: folder of the runs.
        folds: datalists of the folds.
        name: the weights become models/NAME.pt of the bundle.
        inputs: inputs to train on: both, low_energy or des.
        evaluate: inputs to evaluate the weights on, one after the other: any of both, low_energy and des. Without it
            those that they are trained on.
        epochs: largest number of epochs of each run.
        seed: seed of the training.
        jobs: number of runs at a time.
    """

    datalist: Path
    output: Path
    folds: tuple[Path, ...] = ()
    name: str = "model"
    inputs: str = "both"
    evaluate: tuple[str, ...] = ()
    epochs: int = 10
    seed: int = 0
    jobs: int = 2


@dataclass(frozen=True)
class JointTraining:
    """Joint training of U-Net and classifier, compared with its controls; see `vdes.experiments.joint`.

    Attributes:
        datalist: datalist with training, validation and test sections.
        output: folder of the runs.
        name: the results become docs/results/joint_NAME.json of the U-Net's bundle.
        initial_weights: weights that the U-Net starts from. Without it its bundle's models/model_phantom.pt.
        classifier_weights: weights that the classifier starts from. Without it its bundle's models/model_phantom.pt.
        height: working size of the U-Net in pixels.
        epochs: number of epochs of each arm.
        weight: weight of the classifier's loss relative to the U-Net's (classification_weight).
        seeds: seeds; each arm has one run per seed.
        jobs: number of runs at a time.
    """

    datalist: Path
    output: Path
    name: str = "phantom"
    initial_weights: Path | None = None
    classifier_weights: Path | None = None
    height: int = 256
    epochs: int = 2
    weight: float = 0.1
    seeds: tuple[int, ...] = (0,)
    jobs: int = 2


@dataclass(frozen=True)
class LearningCurve:
    """The classifier trained on shares of the patients; see `vdes.experiments.learning_curve`.

    Attributes:
        folds: datalists of the folds.
        output: folder of the runs.
        shares: shares of the training patients, 0.05 to 1 each.
        name: the results become docs/results/learning_curve_NAME.json of the bundle.
        inputs: inputs to train on: both, low_energy or des.
        epochs: largest number of epochs of a run on all patients. Runs on a share have the same number of steps.
        seed: seed of the training and of the shares.
        jobs: number of runs at a time.
    """

    folds: tuple[Path, ...]
    output: Path
    shares: tuple[float, ...] = (0.5, 1.0)
    name: str = "model"
    inputs: str = "both"
    epochs: int = 10
    seed: int = 0
    jobs: int = 2

    def __post_init__(self) -> None:
        """Check the shares.

        Raises:
            InputError: one of them is out of its range.
        """
        if not all(LEAST_SHARE <= share <= 1 for share in self.shares):
            raise InputError(f"--shares: expected numbers of {LEAST_SHARE:g} to 1, got {list(self.shares)}")


@dataclass(frozen=True)
class Ablation:
    """Variants of a generator, trained over folds and seeds; see `vdes.experiments.ablation`.

    Attributes:
        folds: datalists of the folds.
        output: folder of the runs.
        name: the results become docs/results/ablation_NAME.json of the bundle.
        variants: names in the bundle's docs/ablation.yaml. Without them all.
        seeds: seeds of each variant, one run each in every fold.
        height: working size in pixels.
        jobs: number of runs at a time.
    """

    folds: tuple[Path, ...]
    output: Path
    name: str = "model"
    variants: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    height: int = 256
    jobs: int = 2


@dataclass(frozen=True)
class ShortcutControl:
    """What other than the breast reveals the class; see `vdes.experiments.shortcuts`.

    Attributes:
        datalists: the datalists of all folds.
        output: JSON file to write; its folder is created.
        modality: the images to examine.
        size: side of the classifier's square in pixels.
        shuffles: number of shuffles of the labels.
        resamples: number of bootstrap samples.
        seed: seed of shuffles and bootstrap.
    """

    datalists: tuple[Path, ...]
    output: Path
    modality: Literal["low_energy", "des"] = "des"
    size: int = 256
    shuffles: int = 100
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: one of them is below 1.
        """
        for name in ("size", "shuffles", "resamples"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name}: expected 1 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class RegistrationReport:
    """The alignment of DES images with their low-energy images; see `vdes.experiments.registration`.

    Attributes:
        output: csv file to write, one row per pair.
        cache: folder of preprocessed cases, which training shares.
        limit: breast-edge offset in pixels above which a pair is flagged.
        height: working size of the cached cases in pixels.
        workers: number of processes.
    """

    output: Path
    cache: Path
    limit: float = 5.0
    height: int = 512
    workers: int = 2


@dataclass(frozen=True)
class ReaderStatistics:
    """The statistics of reader studies against known answers; see `vdes.experiments.reader_statistics`.

    Attributes:
        readings: the readings of Van Dyke et al., a column a reader and modality.
        output: JSON file to write; its folder is made.
        studies: simulated studies of each setting.
        seed: seed of the simulation.
    """

    readings: Path
    output: Path
    studies: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the number of studies.

        Raises:
            InputError: it is out of its range.
        """
        if self.studies < 1:
            raise InputError(f"--studies: expected 1 or more, got {self.studies}")


@dataclass(frozen=True)
class VerdictRates:
    """How often verdicts are wrong in simulated studies of known truth; see `vdes.experiments.verdict_rates`.

    Attributes:
        output: JSON file to write; the page and the figure have its name, with .md and .png. Its folder is made.
        studies: simulated studies of each setting.
        resamples: bootstrap samples of each study.
        seed: seed of the simulation.
        jobs: number of processes.
    """

    output: Path
    studies: int = 500
    resamples: int = 500
    seed: int = 0
    jobs: int = 2

    def __post_init__(self) -> None:
        """Check the output's name and the numbers.

        Raises:
            InputError: the name does not end in .json, or a number is out of its range.
        """
        _check_simulation(self, {"studies": 1, "resamples": 2, "seed": 0, "jobs": 1})


@dataclass(frozen=True)
class PlanAdvice:
    """The advice of plans against what is needed in truth; see `vdes.experiments.plan_advice`.

    Attributes:
        output: JSON file to write; the page has its name, with .md. Its folder is made.
        studies: simulated studies of each check of a plan, and of each rate.
        seeds: plans of each scenario, and pilots.
        jobs: number of processes.
    """

    output: Path
    studies: int = 1_000
    seeds: int = 5
    jobs: int = 2

    def __post_init__(self) -> None:
        """Check the output's name and the numbers.

        Raises:
            InputError: the name does not end in .json, or a number is out of its range.
        """
        _check_simulation(self, {"studies": 8, "seeds": 1, "jobs": 1})


@dataclass(frozen=True)
class IntervalCoverage:
    """How often intervals hold the truth, for every metric; see `vdes.experiments.interval_coverage`.

    Attributes:
        output: JSON file to write; the page has its name, with .md. Its folder is made.
        studies: simulated studies of each setting.
        seed: seed of the simulation.
        jobs: number of processes.
    """

    output: Path
    studies: int = 500
    seed: int = 0
    jobs: int = 2

    def __post_init__(self) -> None:
        """Check the output's name and the numbers.

        Raises:
            InputError: the name does not end in .json, or a number is out of its range.
        """
        _check_simulation(self, {"studies": 1, "seed": 0, "jobs": 1})


def _check_simulation(settings: VerdictRates | PlanAdvice | IntervalCoverage, least: dict[str, int]) -> None:
    if settings.output.suffix != ".json":
        raise InputError(f"--output: expected a name that ends in .json, got {settings.output}")
    for name, number in least.items():
        if getattr(settings, name) < number:
            raise InputError(f"--{name}: expected {number} or more, got {getattr(settings, name)}")
