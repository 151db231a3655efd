"""``vdes experiment``: further results that a bundle's card reports, and the card itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App

from vdes.cli.parameters import FIELDS
from vdes.errors import InputError
from vdes.experiments.settings import (
    Ablation,
    IntervalCoverage,
    LearningCurve,
    PlanAdvice,
    ReaderStatistics,
    RegistrationReport,
    ShortcutControl,
    VerdictRates,
)

app = App(
    name="experiment",
    help="Measure the results that a bundle's card reports, and fill in the card.",
    help_epilogue="``vdes experiment COMMAND --help`` explains a command and gives an example.",
)


@app.command(
    name="learning-curve",
    help_epilogue=(
        "example: vdes experiment learning-curve bundles/breast_cesm_lesion_classification --inputs des "
        "--output runs/curve --folds des_fold0.json des_fold1.json des_fold2.json"
    ),
)
def learning_curve(bundle: Path, /, *, settings: Annotated[LearningCurve, FIELDS], overwrite: bool = False) -> None:
    """Train the classifier on fewer patients, to see whether more patients would help.

    For each fold and each share of its training patients, the bundle's own train.yaml is run for as many steps as with
    all of them, and the test patients are scored. Smaller shares are subsets of larger ones and all are stratified by
    pathology; validation and test patients stay the same. Writes the within-fold AUC by number of training patients to
    docs/results/learning_curve_NAME.json. Run the same command again to resume an interrupted run; finished runs are
    not repeated.

    Args:
        bundle: folder of the classifier's bundle.
        overwrite: replace the results.
    """
    from vdes.experiments.learning_curve import write_curve

    print(f"wrote {write_curve(bundle, settings, overwrite)}")


@app.command(
    help_epilogue=(
        "example: vdes experiment ablation bundles/breast_cesm_virtual_des_unet --output runs/ablation "
        "--folds pairs_fold0.json pairs_fold1.json pairs_fold2.json"
    )
)
def ablation(bundle: Path, /, *, settings: Annotated[Ablation, FIELDS], overwrite: bool = False) -> None:
    """Train variants of a generator, to see what each of its components brings.

    A variant is a few settings of configs/train.yaml, listed in the bundle's docs/ablation.yaml. Each variant is
    trained in every fold with every seed, and the fold's test patients are evaluated. Writes the paired differences to
    the base to docs/results/ablation_NAME.json, and a figure, docs/ablation_NAME.png, of what each variant gains and
    costs. Run the same command again to resume an interrupted run; finished runs are not repeated.

    Args:
        bundle: folder of the generator's bundle.
        overwrite: replace the results.
    """
    from vdes.experiments.ablation import write_ablation

    for file in write_ablation(bundle, settings, overwrite):
        print(f"wrote {file}")


@app.command(
    help_epilogue=(
        "example: vdes experiment shortcuts --datalists fold0.json fold1.json fold2.json --output shortcuts.json"
    )
)
def shortcuts(*, settings: Annotated[ShortcutControl, FIELDS], overwrite: bool = False) -> None:
    """Check whether anything other than the image of the breast reveals the class.

    Learners that never see the breast are trained to separate malignant from normal and benign, fold by fold like the
    classifier. Their out-of-fold AUC is compared with that of the same learners on labels shuffled between patients.
    The feature groups have three scopes:

    - file: properties of the file, its frame and the air in it. The classifier never sees them.
    - kept: what remains after the classifier's preprocessing, other than the image of the breast. A learner above
      chance here has found a shortcut that the classifier could use too.
    - content: the size of the classifier's input square as a JPEG, which grows with the breast's texture. This is not a
      control: it explains why the file size may predict the class.

    Writes a JSON file and prints its tables as Markdown.

    Args:
        overwrite: replace the JSON file.
    """
    from vdes.experiments.shortcuts import markdown, write_control

    print(markdown(write_control(settings, overwrite)))


@app.command(
    help_epilogue="example: vdes experiment registration datalist.json --output alignment.csv --cache runs/cache"
)
def registration(
    datalist: Path, /, *, settings: Annotated[RegistrationReport, FIELDS], overwrite: bool = False
) -> None:
    """Measure how well DES images align with their low-energy images, before and after registration.

    Prints the median breast-edge offset over all pairs of a datalist and the pairs whose offset after registration
    exceeds ``--limit``, and writes one row per pair. Offsets are in pixels of the files.

    Args:
        datalist: datalist of pairs.
        overwrite: replace the csv file.
    """
    from vdes.experiments.registration import summary, write_offsets

    print(summary(write_offsets(datalist, settings, overwrite), settings.limit))


@app.command(
    name="reader-statistics",
    help_epilogue=(
        "example: vdes experiment reader-statistics --readings tests/statistics/mrmc/van_dyke.csv "
        "--output docs/results/reader_statistics.json"
    ),
)
def reader_statistics(*, settings: Annotated[ReaderStatistics, FIELDS], overwrite: bool = False) -> None:
    """Check the statistics of reader studies against known answers.

    The analysis of Van Dyke et al.'s readings is compared with the output of OR-DBM MRMC. Simulated studies with known
    truth show how often a difference is found where there is none, how often intervals contain the truth, and how often
    an arm that is worse by the margin is called non-inferior. Writes a JSON file and prints its tables as Markdown.

    Args:
        overwrite: replace the JSON file.
    """
    from vdes.experiments.reader_statistics import markdown, write_statistics

    print(markdown(write_statistics(settings, overwrite)))


@app.command(help_epilogue="example: vdes experiment verdicts --output docs/results/verdicts.json")
def verdicts(*, settings: Annotated[VerdictRates, FIELDS], overwrite: bool = False) -> None:
    """Measure how often the verdicts of studies are wrong.

    Studies are simulated from scores whose true F1, AUC and sensitivity are known, by number of patients, true
    difference and correlation of the two arms, and judged by the functions that judge real studies. Writes the rates of
    false and right verdicts and the coverage of the intervals to a JSON file, and the page and the figure made from it.
    With the defaults this takes about ten minutes on two processors. Run the same command again to resume an
    interrupted run.

    Args:
        overwrite: replace the files.
    """
    from vdes.experiments.verdict_rates import write_rates

    write_rates(settings, overwrite)
    print(f"wrote {settings.output}, {settings.output.with_suffix('.md')} and {settings.output.with_suffix('.png')}")


@app.command(help_epilogue="example: vdes experiment coverage --output docs/results/coverage.json")
def coverage(*, settings: Annotated[IntervalCoverage, FIELDS], overwrite: bool = False) -> None:
    """Measure how often the intervals of a study's report hold the truth, for every metric and level.

    Studies of two arms that differ are simulated from scores whose true metrics are known, and get their intervals from
    the function that gives them to real studies. Writes a JSON file and the page made from it. With the defaults this
    takes some minutes on two processors.

    Args:
        overwrite: replace the files.
    """
    from vdes.experiments.interval_coverage import write_coverage

    write_coverage(settings, overwrite)
    print(f"wrote {settings.output} and {settings.output.with_suffix('.md')}")


@app.command(help_epilogue="example: vdes experiment plans --output docs/results/plans.json")
def plans(*, settings: Annotated[PlanAdvice, FIELDS], overwrite: bool = False) -> None:
    """Compare the advice of plans with the number of patients that is needed in truth.

    Plans as of ``vdes study --plan`` are made with several seeds from assumed values, and from simulated pilots of
    patients as assumed. What is needed in truth is found by more simulated studies with random numbers of their own.
    The number that the verdict of a study itself states is shown beside it, and how often a study of the advised
    number would be wrong. Writes a JSON file and the page made from it. With the defaults this takes about half an
    hour on two processors.

    Args:
        overwrite: replace the files.
    """
    from vdes.experiments.plan_advice import write_advice

    write_advice(settings, overwrite)
    print(f"wrote {settings.output} and {settings.output.with_suffix('.md')}")


@app.command(
    help_epilogue=(
        "example: vdes experiment card bundles/breast_cesm_virtual_des_unet --datalist datalist.json\n\n"
        "example: vdes experiment card bundles/breast_cesm_real_vs_virtual_des --study runs/study --name phantom"
    )
)
def card(
    bundle: Path,
    /,
    *,
    datalist: Path | None = None,
    study: Path | None = None,
    name: str = "model",
    height: int | None = None,
) -> None:
    """Fill in the tables of a bundle's card, docs/README.md, from the results files in its docs/results.

    Tables are marked by comments such as ``<!-- performance:NAME -->`` and ``<!-- /performance:NAME -->``. In a clone,
    the page with the bundle's full results in docs/results is filled in too, and the README for studies. With
    ``--datalist``, a generator's shipped weights are evaluated first, which writes fidelity_NAME.json and
    docs/fidelity_sheet_NAME.png. With ``--study``, the results of a finished study are first copied to study_NAME.json
    and docs/forest_NAME.png.

    Args:
        bundle: folder of the bundle.
        datalist: datalist whose test section the weights are evaluated on.
        study: folder of a finished study.
        name: name of the weights models/NAME.pt, or of the study's data.
        height: working size of the weights in pixels. Without it that of docs/results/runs_NAME.json.
    """
    if datalist is not None and study is not None:
        raise InputError("card: --datalist, --study; expected at most one of them")
    from vdes.experiments.card import evaluate, fill
    from vdes.experiments.study_results import keep

    if study is not None:
        filled = keep(study, name, bundle)
    else:
        if datalist is not None:
            evaluate(bundle, datalist, name, height)
        filled = fill(bundle)
    for page in filled:
        print(f"wrote {page}")
