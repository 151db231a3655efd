"""The real-vs-virtual study, from a datalist to its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext

from vdes.bundle.output_lock import sole_writer
from vdes.bundle.steps import check_idle, run_steps
from vdes.data.staging import remove_partial
from vdes.data.training_record import Origin, check_trained_on
from vdes.statistics.interval_text import interval_text
from vdes.study.same_phantoms import check_same_phantoms
from vdes.study.study import STEPS, Study
from vdes.study.study_metrics import METRICS_FILE, write_metrics
from vdes.study.study_steps import study_inputs, study_steps
from vdes.study.unknown_origin import unknown_origin


def run_study(study: Study, overwrite: bool = False, only: Mapping[str, str] | None = None) -> dict[str, str]:
    """Run all arms of a study on the same test patients, and write its figures.

    With the same settings, an interrupted study resumes: finished steps are not repeated, and the figures are the same.
    A failing step never loses the results of others.

    Args:
        study: the study.
        overwrite: start again in a folder that holds a study.
        only: run only the steps of this ``fold`` and ``model``, as on one of several machines, and write no figures.

    Returns:
        The failed steps, each with its reason; ``metrics.json`` covers the others.

    Raises:
        InputError: the datalist or a model cannot be used, weights have seen a test patient, the folder holds other
            files, another process runs the study, an image is not the one that the study began with, or no arm could
            be run.

    """
    trained_on = check_weights(study)
    # parts may be run at the same time; each of their steps is locked
    with nullcontext() if only else sole_writer(study.output):
        if overwrite or not only:
            check_idle(study.output / STEPS)
        if not only:
            remove_partial(study.output, below=True)
        study.open_folder(overwrite)
        failed = run_steps(study_steps(study), study.output / STEPS, only, inputs=study_inputs(study))
        if not only:
            write_metrics(study, failed, trained_on)
    return failed


def check_weights(study: Study) -> dict[str, Origin]:
    """Refuse weights of other phantoms or that have seen a test patient, and tell what is known about their origin.

    Raises:
        InputError: as `check_trained_on` and `check_same_phantoms`.
    """
    if study.trains:
        return {}
    test = study.datalist.items("test")
    models = {**study.generators, **({} if study.lesions_alone else {"classifier": study.classifier})}
    if not study.other_phantoms:
        for model in models.values():
            check_same_phantoms(model.given.weights_file, study.datalist)
    return {
        name: check_trained_on(model.given.weights_file, test, str(study.datalist)) for name, model in models.items()
    }


def answer(study: Study) -> str:
    """Return the answer of a finished study in one sentence."""
    content = json.loads((study.output / METRICS_FILE).read_text(encoding="utf-8"))
    question, found = content["question"], content["answer"]
    doubt = unknown_origin(content["provenance"])
    doubt = f". {doubt}" if doubt else ""
    labels = {arm["arm"]: arm["label"] for arm in content["arms"]}
    names = [labels.get(question[key], question[key]) for key in ("arm", "reference")]
    if found is None:
        return f"{names[0]} against {names[1]}: no answer, because one of them has no predictions{doubt}"

    def number(value: float | None) -> str:
        return "?" if value is None else f"{value:.3f}"

    def interval(row: Mapping[str, float | None]) -> str:
        return interval_text(row["value"], row["low"], row["high"], number)

    return (
        f"{names[0]} against {names[1]}, {question['metric']} by {question['level']}: {interval(found['arm'])} against "
        f"{interval(found['reference'])}, difference {interval(found['difference'])}, margin {question['margin']:g}: "
        f"{found['verdict']}{doubt}"
    )
