"""The tables of the study, from the predictions of all arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from vdes.data.vocabulary import LEVELS
from vdes.errors import InputError
from vdes.statistics.calibration import calibration_equivalence
from vdes.statistics.classification_metrics import EQUIVALENCE_MARGINS, METRICS, classification_metrics
from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.statistics.paired_tests import PAIRED_TESTS
from vdes.study.arms import Arm, compared
from vdes.study.question import Question
from vdes.study.verdicts import verdicts

Tables = Mapping[str, pd.DataFrame]
Rows = list[dict[str, Any]]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
DRAWS = 100  # of patients whose real images are replaced
TESTED = "examination"  # the tests assume independent cases, so one per patient


def study_tables(arms: Sequence[Arm], predictions: Tables, question: Question) -> dict[str, Any]:
    """Return the tables of `metrics.json` that derive from predictions.

    Args:
        arms: the arms with predictions.
        predictions: by arm, the test predictions of all levels; all arms have the same cases.
        question: the question.

    Returns:
        ``classification`` (values, and differences to each arm's reference, with paired bootstrap intervals),
        ``verdicts`` (non-inferiority of the question's metric), ``tests`` (McNemar and DeLong at examination level,
        with Holm's correction over the arms), ``calibration`` (equivalence), ``synthetic_share``, ``disagreements``
        and ``answer``, which is None if the question's arm or its reference is missing.

    Raises:
        InputError: the arms' cases differ, or the test set has one class only.

    """
    classification, judged, calibration = [], [], []
    for level in LEVELS:
        tables = {arm.arm: at_level(predictions[arm.arm], level) for arm in arms}
        if any(table.empty for table in tables.values()):
            continue
        _check_classes(tables, level)
        for reference, group in _groups(arms, tables):
            found = paired_bootstrap(
                group, reference, METRICS, question.n_resamples, question.seed, question.confidence
            ).assign(level=level, reference=reference)
            found.loc[found["statistic"] == "value", "reference"] = None
            classification.append(found)
            judged += [{"level": level, **row} for row in verdicts(found.assign(reference=reference), question)]
            if len(group) > 1:
                table = calibration_equivalence(
                    group, reference, EQUIVALENCE_MARGINS, n_resamples=question.n_resamples, seed=question.seed
                )
                calibration += records(table.assign(level=level, reference=reference))
    table = pd.concat(classification, ignore_index=True).drop_duplicates(["level", "arm", "metric", "statistic"])
    return {
        "classification": records(table),
        "verdicts": judged,
        "tests": _tests(arms, predictions),
        "calibration": calibration,
        "synthetic_share": synthetic_share(arms, predictions, question),
        "disagreements": disagreements(arms, predictions),
        "answer": answer(table, judged, arms, question, question.level),
    }


def at_level(table: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return the rows of one level whose pathology is known."""
    return table[(table["level"] == level) & table["malignant"].notna()]


def records(table: pd.DataFrame) -> Rows:
    """Return the rows of a table for JSON, which has no NaN."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def synthetic_share(arms: Sequence[Arm], predictions: Tables, question: Question) -> Rows:
    """Return an arm's metric as virtual images replace real ones for a growing share of the patients.

    The patients are drawn at random, `DRAWS` times, with nested shares; all predictions of a patient come either from
    the virtual arm or from its reference.

    Returns:
        One row per virtual arm and share: the mean of the question's metric over the draws, with the interval of 95 %
        of the draws (of the drawing alone; the uncertainty of the metric is in ``classification``).

    """
    rows = []
    random = np.random.default_rng(question.seed)
    for arm, reference in compared(arms, predictions, "virtual"):
        virtual, real = (
            at_level(predictions[name], question.level).set_index(["case", "laterality"])
            for name in (arm.arm, reference)
        )
        virtual = virtual.reindex(real.index)
        labels, patients = real["malignant"].to_numpy(), real["patient"].to_numpy()
        names = np.unique(patients)
        drawn: dict[float, list[float]] = {share: [] for share in SHARES}
        for _ in range(DRAWS):
            order = random.permutation(names)
            for share in SHARES:
                replaced = np.isin(patients, order[: round(share * len(order))])
                probability, prediction = (
                    np.where(replaced, virtual[name], real[name]) for name in ("probability", "prediction")
                )
                found = classification_metrics(labels, probability, prediction=prediction, metrics=[question.metric])
                drawn[share].append(float(found[question.metric][0]))
        for share, values in drawn.items():
            low, high = np.nanquantile(values, [0.025, 0.975])
            row = {"level": question.level, "arm": arm.arm, "reference": reference, "metric": question.metric}
            rows.append({**row, "share": share, "value": float(np.nanmean(values)), "low": low, "high": high})
    return rows


def disagreements(arms: Sequence[Arm], predictions: Tables) -> Rows:
    """Return the images that a virtual arm and its reference classify differently."""
    rows = []
    for arm, reference in compared(arms, predictions, "virtual"):
        one, other = (at_level(predictions[name], "image").set_index("case") for name in (arm.arm, reference))
        other = other.reindex(one.index)
        for case in one.index[one["prediction"] != other["prediction"]]:
            rows.append(
                {
                    "case": case,
                    "arm": arm.arm,
                    "reference": reference,
                    "malignant": int(one.loc[case, "malignant"]),
                    **{f"{name}_arm": one.loc[case, name].item() for name in ("probability", "prediction")},
                    **{f"{name}_reference": other.loc[case, name].item() for name in ("probability", "prediction")},
                }
            )
    return rows


def answer(
    classification: pd.DataFrame, judged: Rows, arms: Sequence[Arm], question: Question, level: str
) -> dict[str, Any] | None:
    """Return the values of the question's two arms, their difference and the verdict; None if one is missing.

    Args:
        classification: the rows of all arms, with their ``level``.
        judged: the verdicts, likewise.
        arms: the arms with predictions.
        question: the question.
        level: its level.

    """
    verdict = [row for row in judged if row["level"] == level and row["arm"] == question.arm]
    if not verdict:
        return None
    rows = classification[(classification["level"] == level) & (classification["metric"] == question.metric)]

    def found(arm: str, statistic: str) -> dict[str, Any]:
        row = rows[(rows["arm"] == arm) & (rows["statistic"] == statistic)]
        return records(row[["value", "low", "high"]])[0]

    return {
        "verdict": verdict[0]["verdict"],
        "patients_needed": verdict[0]["patients_needed"],
        "arm": found(question.arm, "value"),
        "reference": found(question.reference(arms), "value"),
        "difference": found(question.arm, "difference"),
    }


def _groups(arms: Sequence[Arm], tables: Tables) -> list[tuple[str, dict[str, pd.DataFrame]]]:
    """Return every reference with the arms that are compared with it; an arm without its reference stands alone."""
    references = {arm.arm: arm.reference if arm.reference in tables else arm.arm for arm in arms}
    return [
        (reference, {reference: tables[reference]} | {a: tables[a] for a, r in references.items() if r == reference})
        for reference in dict.fromkeys(references.values())
        if reference is not None
    ]


def _check_classes(tables: Tables, level: str) -> None:
    for arm, table in tables.items():
        if table["malignant"].nunique() < 2:
            found = "malignant" if table["malignant"].iloc[0] else "not malignant"
            raise InputError(
                f"arm {arm}: level {level}: all {len(table)} test cases are {found}; expected malignant and other cases"
            )


def _tests(arms: Sequence[Arm], predictions: Tables) -> Rows:
    rows: Rows = []
    for name, test in PAIRED_TESTS.items():
        tested, p_values = [], []
        for arm, reference in compared(arms, predictions):
            one, other = (at_level(predictions[key], TESTED).set_index("case") for key in (arm.arm, reference))
            p_value = float("nan") if one.empty else test.p_value(one, other.reindex(one.index))
            if not np.isnan(p_value):
                tested.append({"level": TESTED, "arm": arm.arm, "reference": reference, "test": name})
                p_values.append(p_value)
        if tested:
            corrected = multipletests(p_values, method="holm")[1]
            rows += [
                {**row, "p_value": p_value, "p_holm": float(p_holm)}
                for row, p_value, p_holm in zip(tested, p_values, corrected, strict=True)
            ]
    return rows
