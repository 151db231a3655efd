"""What the classifier and the readers lost with virtual DES, on the same breasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.json_file import read_json
from vdes.errors import InputError
from vdes.reading.crossed import Crossed
from vdes.reading.question import ReadingQuestion
from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.arm_predictions import read_predictions
from vdes.study.arms import compared, study_arms
from vdes.study.study_metrics import METRICS_FILE

READERS = "readers"
AUC = "auc"


def study_losses(
    plan: Mapping[str, Any],
    key: pd.DataFrame,
    design: Crossed,
    accuracy: Sequence[Mapping[str, Any]],
    question: ReadingQuestion,
    n_resamples: int,
    seed: int,
) -> dict[str, Any] | None:
    """Return areas under the ROC curves of the study's classifier and of the readers, on the breasts that were read.

    Args:
        plan: of the reader study, with ``study`` and ``generator``.
        key: `vdes.reading.tables.study_key`.
        design: the analysed readings.
        accuracy: its rows, of `vdes.reading.accuracy.accuracy_rows`.
        question: of the reader study, between real and virtual DES.
        n_resamples: bootstrap samples of patients, for the classifier.
        seed: of the bootstrap.

    Returns:
        ``rows`` and a ``note``: one row for the readers and one for each pair of arms in which the study's classifier
        gets virtual DES of the same generator instead of real DES: ``who``, ``reference`` and ``arm`` (each a row with
        ``label``, ``value``, ``low``, ``high``), and the ``difference``. The note says what is missing, or is None.
        None if the question is a different one, or the plan names no study.
    """
    if not plan.get("study") or (question.arm, question.reference) != ("virtual", "real"):
        return None
    rows = [_of_readers(accuracy, question)]
    folder = Path(plan["study"])
    try:
        return {"rows": rows + _of_classifier(folder, plan, key, design, question, n_resamples, seed), "note": None}
    except InputError as error:
        return {"rows": rows, "note": f"The classifier's part is missing: {_without_folder(str(error), folder)}."}


def _of_readers(accuracy: Sequence[Mapping[str, Any]], question: ReadingQuestion) -> dict[str, Any]:
    def row(statistic: str, modality: str) -> dict[str, Any]:
        found = next(
            one
            for one in accuracy
            if (one["metric"], one["statistic"], one["modality"]) == (AUC, statistic, modality)
            and one["reference"] in (None, question.reference)
        )
        return {name: found[name] for name in ("value", "low", "high")}

    return {
        "who": READERS,
        "reference": {"label": "low energy and real DES", **row("value", question.reference)},
        "arm": {"label": "low energy and virtual DES", **row("value", question.arm)},
        "difference": row("difference", question.arm),
    }


def _of_classifier(
    folder: Path,
    plan: Mapping[str, Any],
    key: pd.DataFrame,
    design: Crossed,
    question: ReadingQuestion,
    n_resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    if not (folder / METRICS_FILE).is_file():
        raise InputError("the study's folder is no longer where it was")
    shown = {arm["arm"] for arm in read_json(folder / METRICS_FILE).get("arms", [])}
    arms = {arm.arm: arm for arm in study_arms([str(plan["generator"])], retrained=True)}
    wanted = key[key["case"].isin(design.cases["case"])]
    rows = []
    for arm, reference in compared(list(arms.values()), shown, "virtual"):
        if arm.arm not in shown:
            continue
        tables = {name: _breasts(folder / "arms" / name / "predictions.csv", wanted) for name in (arm.arm, reference)}
        found = paired_bootstrap(tables, reference, [AUC], n_resamples, seed, question.confidence)
        by = {
            (row["arm"], row["statistic"]): row
            for row in found.astype(object).where(found.notna(), None).to_dict("records")
        }

        def part(name: str, statistic: str, by: Mapping[tuple[str, str], Any] = by) -> dict[str, Any]:
            return {key: by[name, statistic][key] for key in ("value", "low", "high")}

        rows.append(
            {
                "who": f"classifier, {arm.inputs if arm.inputs != 'both' else 'both inputs'}"
                + (", retrained" if arm.classifier == "retrained" else ""),
                "reference": {"label": arms[reference].label, **part(reference, "value")},
                "arm": {"label": arm.label, **part(arm.arm, "value")},
                "difference": part(arm.arm, "difference"),
            }
        )
    if not rows:
        raise InputError("the study has no arm with virtual DES of this generator")
    return rows


def _breasts(file: Path, wanted: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions for the breasts that were read, with the codes of the reader study."""
    table = read_predictions(file)
    table = table[table["level"] == "breast"].astype({"patient": str})
    codes = wanted.rename(columns={"case": "code", "patient": "code_patient"})[
        ["code", "code_patient", "study_patient", "laterality"]
    ].astype({"study_patient": str})
    joined = codes.merge(
        table, left_on=["study_patient", "laterality"], right_on=["patient", "laterality"], how="left", validate="1:1"
    )
    if joined["malignant"].isna().any():
        lost = joined.loc[joined["malignant"].isna(), "code"].iloc[0]
        raise InputError(f"the classifier has no prediction of case {lost}")
    return joined.assign(case=joined["code"], patient=joined["code_patient"])[
        ["case", "patient", "malignant", "probability", "prediction"]
    ]


def _without_folder(message: str, folder: Path) -> str:
    """Return a message without the path of the study, which does not belong in a report."""
    return message.replace(f"{folder}/", "").replace(str(folder), "the study")
