"""``vdes study``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from vdes.cli.parameters import Bundles
from vdes.errors import EXIT_STATUS, InputError
from vdes.study.arguments import Asked, Assumed, Cases, Models, Planning, StudyArguments, Training

# options that a plan of a study shares with the study
PLANNED = {"planning", "assumed", "question", "output", "seed", "overwrite"}


def _fitting(**given: Any) -> None:
    """Raise an error if a study lacks cases or a folder, or if options of studies and plans are mixed.

    Args:
        given: the arguments that were given, by the names of `study`.
    """
    if given.get("planning", Planning()).plan:
        others = [name for name in given if name not in PLANNED]
        if others:
            raise InputError(f"--plan: {others[0].replace('_', '-')}; a plan has no such options")
        return
    if given.get("planning", Planning()) != Planning() or "assumed" in given:
        raise InputError("pilot or assumed values: expected with --plan")
    given.get("cases") or Cases()
    if given.get("output") is None:
        raise InputError("--output: none; expected the folder of the study")


app = App(
    name="study",
    validator=_fitting,
    help_epilogue=(
        "example: vdes study --phantom 120 --output study\n\n"
        "example: vdes study --datalist mine.json --output study --generator mine=bundles/mine,height=512\n\n"
        "example: vdes study --datalist mine.json --output study --train --folds 5 --dry-run\n\n"
        "example: vdes study --plan --pilot study --difference 0 --output plan\n\n"
        "example: vdes study --plan --sensitivity 0.9 0.9 --specificity 0.85 0.85 --prevalence 0.3 --margin 0.1"
    ),
)


CASES = Group.create_ordered("Cases, one of")
MODELS = Group.create_ordered("Models")
TRAINING = Group.create_ordered("Training from scratch")
QUESTION = Group.create_ordered("Question, fixed before the run")
PLAN = Group.create_ordered("How many patients? (no study is run)")
ASSUMED = Group.create_ordered("Assumed values of a plan without a pilot")


@app.default
def study(
    *,
    cases: Annotated[Cases | None, Parameter(name="*", group=CASES)] = None,
    output: Path | None = None,
    models: Annotated[Models, Parameter(name="*", group=MODELS)] = Models(),
    bundles: Annotated[Bundles, Parameter(group=MODELS)] = None,
    training: Annotated[Training, Parameter(name="*", group=TRAINING)] = Training(),
    only: Annotated[str | None, Parameter(group=TRAINING)] = None,
    question: Annotated[Asked, Parameter(name="*", group=QUESTION)] = Asked(),
    planning: Annotated[Planning, Parameter(name="*", group=PLAN)] = Planning(),
    assumed: Annotated[Assumed | None, Parameter(name="*", group=ASSUMED)] = None,
    height: int | None = StudyArguments.height,
    seed: int = StudyArguments.seed,
    dry_run: bool = False,
    overwrite: bool = False,
) -> int:
    """Ask whether virtual DES images can replace the real ones.

    Runs all arms of the real-vs-virtual study on the same test patients: low energy, real DES, both, the virtual DES of
    each generator alone and with low energy, and the controls. Writes report.html, metrics.json and the predictions of
    each arm to OUTPUT. Run the same command again to resume an interrupted study.

    With ``--plan``, no study is run: it prints how many patients a study with this question needs to find virtual DES
    non-inferior with 80 % and 90 % power. Studies are simulated from the patients of a finished study, the pilot, or
    from assumed values, and judged as real ones are. With ``--output``, plan.json and the figure plan.png are written.

    Args:
        output: folder of the study, or of its plan.
        bundles: folder of vdes's bundles, whose weights for phantoms or for CDD-CESM are used. Without it those of the
            clone or of the installed vdes.
        only: run only the steps of one fold or model, such as fold=2,model=cyclegan.
        height: rows of the images that are compared and, with ``--train``, trained on. Without it 256 for phantoms,
            otherwise 512.
        seed: seed for everything random.
        dry_run: only list the steps and how long they may take.
        overwrite: start again in a folder that already contains a study.
    """
    if planning.plan:
        return _plan(planning, assumed, question, output, seed, overwrite)

    from vdes.bundle.steps import parsed_only, plan
    from vdes.report.study_report import write_report
    from vdes.study import run_study as job
    from vdes.study.from_arguments import study_from_arguments
    from vdes.study.study import STEPS
    from vdes.study.study_steps import study_steps

    asked = study_from_arguments(
        StudyArguments(output or Path(), cases or Cases(), models, training, question, bundles, height, seed)
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


def _plan(
    planning: Planning, assumed: Assumed | None, question: Asked, output: Path | None, seed: int, overwrite: bool
) -> int:
    from vdes.report.study_plan import check_free, plan_study, plan_text, write_plan

    if output is not None:
        check_free(output, overwrite)
    found = plan_study(planning, assumed, question, seed)
    print(plan_text(found))
    if output is not None:
        print(f"wrote {' and '.join(str(file) for file in write_plan(found, output, overwrite))}")
    return 0
