"""``vdes study``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, ArgumentCollection, Group, Parameter

from vdes.cli.parameters import Bundles
from vdes.errors import EXIT_STATUS
from vdes.study.arguments import Asked, Cases, Models, StudyArguments, Training

app = App(
    name="study",
    help_epilogue=(
        "example: vdes study --phantom 120 --output study\n\n"
        "example: vdes study --datalist mine.json --output study --generator mine=bundles/mine,height=512\n\n"
        "example: vdes study --datalist mine.json --output study --train --folds 5 --dry-run"
    ),
)


def _some(cases: ArgumentCollection) -> None:
    """Raise the error that `Cases` raises without arguments, because cyclopts does not create it without options."""
    if not any(argument.tokens for argument in cases):
        Cases()


CASES = Group.create_ordered("Cases, one of", validator=_some)
MODELS = Group.create_ordered("Models")
TRAINING = Group.create_ordered("Training from scratch")
QUESTION = Group.create_ordered("Question, fixed before the run")


@app.default
def study(
    *,
    cases: Annotated[Cases | None, Parameter(name="*", group=CASES)] = None,
    output: Path,
    models: Annotated[Models, Parameter(name="*", group=MODELS)] = Models(),
    bundles: Annotated[Bundles, Parameter(group=MODELS)] = None,
    training: Annotated[Training, Parameter(name="*", group=TRAINING)] = Training(),
    only: Annotated[str | None, Parameter(group=TRAINING)] = None,
    question: Annotated[Asked, Parameter(name="*", group=QUESTION)] = Asked(),
    height: int | None = StudyArguments.height,
    seed: int = StudyArguments.seed,
    dry_run: bool = False,
    overwrite: bool = False,
) -> int:
    """Ask whether virtual DES images can replace the real ones.

    Runs all arms of the real-vs-virtual study on the same test patients: low energy, real DES, both, the virtual DES of
    each generator alone and with low energy, and the controls. Writes report.html, metrics.json and the predictions of
    each arm to OUTPUT. Run the same command again to resume an interrupted study.

    Args:
        output: folder of the study.
        bundles: folder of vdes's bundles, whose weights for phantoms or for CDD-CESM are used. Without it those of the
            clone or of the installed vdes.
        only: run only the steps of one fold or model, such as fold=2,model=cyclegan.
        height: rows of the images that are compared and, with ``--train``, trained on. Without it 256 for phantoms,
            otherwise 512.
        seed: seed for everything random.
        dry_run: only list the steps and how long they may take.
        overwrite: start again in a folder that already contains a study.
    """
    from vdes.bundle.steps import parsed_only, plan
    from vdes.report.study_report import write_report
    from vdes.study import run_study as job
    from vdes.study.from_arguments import study_from_arguments
    from vdes.study.study import STEPS
    from vdes.study.study_steps import study_steps

    asked = study_from_arguments(
        StudyArguments(output, cases or Cases(), models, training, question, bundles, height, seed)
    )
    chosen = parsed_only(only)
    if dry_run:
        job.check_weights(asked)
        print(plan(study_steps(asked), asked.output / STEPS, chosen))
        return 0
    failed = job.run_study(asked, overwrite, chosen)
    if not chosen:
        report = write_report(asked.output)
        print(f"{job.answer(asked)}\nreport: {report}")
    for step, reason in failed.items():
        print(f"error: {step}: {reason}", file=sys.stderr)
    return EXIT_STATUS if failed else 0
