"""A default that two places have to state is the same in both."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vdes.bundle.synthesize_study import synthesize_study
from vdes.cli import main
from vdes.cli.app import application
from vdes.cli.phantom import phantom
from vdes.cli.synthesize import synthesize
from vdes.data.cdd_cesm.settings import CddCesmSettings
from vdes.data.dicom_folder.settings import DicomFolderSettings
from vdes.experiments.classifier import PATIENCE
from vdes.experiments.settings import (
    Ablation,
    ClassifierTraining,
    GeneratorTraining,
    JointTraining,
    LearningCurve,
    RegistrationReport,
    ShortcutControl,
)
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.study.arguments import Asked, Cases, Models, StudyArguments, Training
from vdes.study.question import Question
from vdes.study.study import Study

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
REQUIRED = {
    "phantom": ["out"],
    "datalist cdd-cesm": ["DIR", "--output=d.json"],
    "datalist dicom": ["DIR", "--output=d.json"],
    "study": ["--output=s", "--phantom=9"],
    "train generator": ["b", "--datalist=d.json", "--output=r"],
    "train classifier": ["b", "--datalist=d.json", "--output=r"],
    "train joint": ["--datalist=d.json", "--output=r"],
    "experiment learning-curve": ["b", "--folds=d.json", "--output=r"],
    "experiment ablation": ["b", "--folds=d.json", "--output=r"],
    "experiment shortcuts": ["--datalists=d.json", "--output=r"],
    "experiment registration": ["d.json", "--output=r", "--cache=c"],
}
FILE, FOLDER = Path("d.json"), Path("r")
MADE: dict[str, dict[str, Any]] = {
    "phantom": {"settings": Settings()},
    "datalist cdd-cesm": {"settings": CddCesmSettings()},
    "datalist dicom": {"settings": DicomFolderSettings()},
    "study": {"cases": Cases(phantom=9), "models": Models(), "training": Training(), "question": Asked()},
    "train generator": {"settings": GeneratorTraining(FILE, FOLDER)},
    "train classifier": {"settings": ClassifierTraining(FILE, FOLDER)},
    "train joint": {"settings": JointTraining(FILE, FOLDER)},
    "experiment learning-curve": {"settings": LearningCurve((FILE,), FOLDER)},
    "experiment ablation": {"settings": Ablation((FILE,), FOLDER)},
    "experiment shortcuts": {"settings": ShortcutControl((FILE,), FOLDER)},
    "experiment registration": {"settings": RegistrationReport(FOLDER, Path("c"))},
}


@pytest.mark.parametrize("command", REQUIRED)
def test_a_command_without_options_has_the_settings_of_python(command: str) -> None:
    words = [*command.split(), *REQUIRED[command]]
    _, bound, _ = application(words[:1]).parse_args(words, exit_on_error=False, print_error=False)
    bound.apply_defaults()
    assert {name: bound.arguments[name] for name in MADE[command]} == MADE[command]


@pytest.mark.parametrize("command", REQUIRED)
def test_help_shows_the_defaults_of_the_settings(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.partition("╭")[2].replace("│", " ").split())
    for settings in MADE[command].values():
        for field in dataclasses.fields(settings):
            option = f"--{field.name.replace('_', '-')} "
            shown = printed.partition(option)[2].partition(" --")[0]
            if field.default is dataclasses.MISSING:
                assert "[required]" in shown
            elif isinstance(field.default, (int, float, str)) and not isinstance(field.default, bool):
                assert f"[default: {field.default}]" in shown
            elif isinstance(field.default, tuple) and field.default:
                assert f"[default: {' '.join(map(str, field.default))}]" in shown
            else:
                assert "[default" not in shown


@pytest.mark.parametrize(
    ("command", "job", "names"),
    [
        (phantom, generate, ["workers", "overwrite"]),
        (synthesize, synthesize_study, ["compression"]),
    ],
)
def test_a_commands_own_defaults_are_those_of_what_it_calls(
    command: Callable[..., object], job: Callable[..., object], names: list[str]
) -> None:
    parameters = (inspect.signature(function).parameters for function in (command, job))
    commands, jobs = ({name: found[name].default for name in names} for found in parameters)
    assert commands == jobs


def test_defaults_of_the_study_are_those_of_its_question_and_of_python() -> None:
    asked = Asked()
    question = Question(arm="any", metric=asked.metric, level=asked.level, margin=asked.margin)
    assert question == Question(arm="any") and asked.resamples == question.n_resamples
    assert StudyArguments.seed == Study.seed == question.seed and Training().processes == Study.processes


def test_defaults_are_those_that_the_bundles_state() -> None:
    def knobs(bundle: str, config: str) -> dict[str, Any]:
        return yaml.safe_load((BUNDLES / bundle / "configs" / f"{config}.yaml").read_text(encoding="utf-8"))

    study = knobs("breast_cesm_real_vs_virtual_des", "study")
    asked = dataclasses.asdict(Asked())
    assert {name: study[name] for name in ("metric", "level", "margin")} == {
        name: asked[name] for name in ("metric", "level", "margin")
    }
    assert study["n_resamples"] == asked["resamples"] and study["seed"] == StudyArguments.seed
    classifier = knobs("breast_cesm_lesion_classification", "train")
    for settings in (ClassifierTraining, LearningCurve):
        assert (settings.inputs, settings.seed) == (classifier["inputs"], classifier["seed"])
    assert (PATIENCE, ShortcutControl.size) == (classifier["patience"], classifier["size"])
    joint = knobs("breast_cesm_virtual_des_unet", "joint")
    assert JointTraining.weight == joint["classification_weight"]
    assert RegistrationReport.height == knobs("breast_cesm_virtual_des_unet", "train")["height"]
