"""The short tables of the cards and of the project's README, each from committed results files.

A card has one table of performance; the full tables, by `vdes.experiments.card_tables`, are in docs/results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vdes.handlers.fidelity_table import to_markdown
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table

FIDELITY_COLUMNS = ("psnr_breast", "ssim_breast", "correlation_breast", "lesion_cnr", "lesion_roc_area")
CLASSIFICATION_COLUMNS = {"auc": "AUC", "f1": "F1", "sensitivity": "sensitivity", "specificity": "specificity"}
METRICS = {"f1": "F1", "auc": "AUC"}
INPUTS = {"low_energy": "low energy", "des": "DES", "both": "low energy and DES"}


def fidelity_performance(result: dict[str, Any]) -> str:
    """Return a generator's fidelity beside the trivial predictions and real DES, with the gain over a constant."""
    summary = pd.DataFrame(result["summary"])
    gain = (summary["statistic"] == "difference_to_constant") & (summary["method"] == "virtual_des")
    kept = summary[(summary["statistic"] == "mean") | gain]
    return f"{_of_weights(result['provenance'])}\n\n{to_markdown(kept, FIDELITY_COLUMNS)}"


def classification_performance(result: dict[str, Any]) -> str:
    """Return a classifier's AUC and F1 by level, for each input, on the folds and on the split of its weights."""
    lines, sources = [], []
    if "folds" in result:
        folds = result["folds"]["provenance"]
        patients = f"all {len(folds['folds_sha256'])} folds"
        sources.append(
            f"{patients[0].upper()}{patients[1:]}: test patients of {folds['data']}, each scored by the run "
            "that did not train on them."
        )
        lines += _by_level(result["folds"]["summary"], INPUTS[folds["inputs"]], patients)
    for inputs, test in result["test"].items():
        lines += _by_level(test["summary"], INPUTS[inputs], "shipped weights")
    sources.append(f"Shipped weights: {_of_weights(next(iter(result['test'].values()))['provenance'])}")
    head = ["input", "evaluated", "level", *CLASSIFICATION_COLUMNS.values(), "cases (malignant) of patients"]
    return f"{' '.join(sources)}\n\n{markdown_table(head, lines)}\n\nWith 95 % patient-bootstrap intervals."


def answers_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the answers of studies, one row each: can virtual DES replace real DES?"""
    studies = [StudyFigures(result) for result in results]
    virtual = {study.label(study.arm) for study in studies}
    head = ["data", "metric", "low energy", "real DES", virtual.pop() if len(virtual) == 1 else "virtual DES"]
    head += ["virtual minus real DES", "verdict"]
    rows = []
    for study in studies:
        values = [study.value(arm) for arm in ("low_energy", study.reference, study.arm)]
        rows.append([study.counts, study.metric, *values, study.difference(study.arm), study.verdict(study.arm)])
    return f"{markdown_table(head, rows)}\n\n{_intervals(results)}"


def arms_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the main arms of studies: a row an arm, with the figure and the verdict of each study.

    Controls and arms with a retrained classifier are in the full tables.
    """
    studies = [StudyFigures(result) for result in results]
    arms: dict[str, str] = {}
    for study in studies:
        arms |= {arm["arm"]: arm["label"] for arm in study.arms if _is_main(arm)}
    head = ["arm"]
    for study in studies:
        head += [f"{study.data}: {study.metric}", f"verdict, margin {study.margin:g}"]
    rows = [[label, *(cell for s in studies for cell in (s.value(arm), s.verdict(arm)))] for arm, label in arms.items()]
    said = [
        f"- {study.counts}. {study.label(study.arm)} in place of {study.label(study.reference)}: "
        f"**{study.verdict(study.arm)}**, difference in {study.metric} {study.difference(study.arm)}."
        for study in studies
    ]
    return "\n".join([*said, "", markdown_table(head, rows), "", _intervals(results)])


class StudyFigures:
    """The figures of a study at the level and by the metric of its question.

    Args:
        result: a results file ``study_NAME.json``. Where all cases are malignant its regions are judged.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        question, regions = result["question"], result["regions"]
        self.arm, self.reference, self.margin = question["arm"], question["reference"], float(question["margin"])
        self.level = question["level"]
        self.metric = f"{METRICS.get(question['metric'], question['metric'])} by {self.level}"
        self.arms: list[dict[str, Any]] = result["arms"]
        self.data = str(result["data"]["name"])
        malignant, cases = result["data"]["malignant"][self.level]
        unit = "regions" if regions else f"{self.level}s"
        self.counts = f"{self.data}: {result['data']['patients']} patients, {malignant} of {cases} {unit} malignant"
        tables = regions or result
        of_level = [row for row in tables["classification"] if regions or row["level"] == self.level]
        self._rows = {(row["arm"], row["statistic"]): row for row in of_level if row["metric"] == question["metric"]}
        of_level = [row for row in tables["verdicts"] if regions or row["level"] == self.level]
        self._verdicts = {row["arm"]: row["verdict"] for row in of_level}

    def label(self, arm: str) -> str:
        """Return the name of an arm for people."""
        return next(str(row["label"]) for row in self.arms if row["arm"] == arm)

    def value(self, arm: str) -> str:
        """Return the figure of an arm with its interval; a dash where the study lacks the arm."""
        return self._interval(arm, "value", ".3f")

    def difference(self, arm: str) -> str:
        """Return the difference of an arm to its reference with its interval."""
        return self._interval(arm, "difference", "+.3f")

    def verdict(self, arm: str) -> str:
        """Return the verdict on an arm; a dash for a reference."""
        return str(self._verdicts.get(arm, "-"))

    def _interval(self, arm: str, statistic: str, form: str) -> str:
        row = self._rows.get((arm, statistic))
        return "-" if row is None else interval_text(row["value"], row["low"], row["high"], form)


def _by_level(summary: Sequence[Mapping[str, Any]], inputs: str, evaluated: str) -> list[list[str]]:
    cells = {(row["level"], row["metric"]): row for row in summary}
    lines = []
    for level in dict.fromkeys(row["level"] for row in summary):
        rows = [cells[level, metric] for metric in CLASSIFICATION_COLUMNS]
        values = [interval_text(row["value"], row["low"], row["high"]) for row in rows]
        count = cells[level, "auc"]
        lines.append(
            [inputs, evaluated, level, *values, f"{count['cases']} ({count['positives']}) of {count['patients']}"]
        )
    return lines


def _of_weights(source: Mapping[str, Any]) -> str:
    return (
        f"{source['data']}, {source['section']} section (split: {source['split']['method']}, seed "
        f"{source['split']['seed']}); weights sha256 {source['weights_sha256'][:12]}."
    )


def _is_main(arm: Mapping[str, Any]) -> bool:
    return arm["classifier"] != "retrained" and arm["content"] not in ("low_energy", "shuffled")


def _intervals(results: Sequence[Mapping[str, Any]]) -> str:
    counts = sorted({result["provenance"]["n_resamples"] for result in results})
    resamples = " and ".join(f"{count:,}" for count in counts)
    margins = " and ".join(sorted({f"{result['question']['margin']:g}" for result in results}))
    return (
        f"With 95 % patient-bootstrap intervals ({resamples} resamples), paired for the difference; margin of "
        f"non-inferiority {margins}."
    )


PERFORMANCE = {"fidelity": fidelity_performance, "classification": classification_performance}
OF_STUDIES = {"answers": answers_table, "arms": arms_table}
