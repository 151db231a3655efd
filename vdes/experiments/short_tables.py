"""The short tables of the cards and of the project's README, each from committed results files.

A card has one table of performance; the full tables, by `vdes.experiments.card_tables`, are in docs/results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vdes.bundle.hub_card import INPUTS
from vdes.experiments.study_figures import StudyFigures
from vdes.handlers.criterion_table import criterion_table
from vdes.handlers.fidelity_table import to_markdown
from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table

FIDELITY_COLUMNS = ("psnr_breast", "ssim_breast", "correlation_breast", "lesion_cnr", "lesion_roc_area")
CLASSIFICATION_COLUMNS = ("auc", "f1", "sensitivity", "specificity")


def fidelity_performance(result: dict[str, Any]) -> str:
    """Return a generator's fidelity, the trivial predictions and real DES, with the gain over a constant."""
    summary = pd.DataFrame(result["summary"])
    gain = (summary["statistic"] == "difference_to_constant") & (summary["method"] == "virtual_des")
    kept = summary[(summary["statistic"] == "mean") | gain]
    tables = [to_markdown(kept, FIDELITY_COLUMNS), criterion_table(pd.DataFrame(result.get("lesions", [])))]
    return "\n\n".join([_of_weights(result["provenance"]), *filter(None, tables)])


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
    labels = [METRICS[metric].label for metric in CLASSIFICATION_COLUMNS]
    head = ["input", "evaluated", "level", *labels, "cases (malignant) of patients"]
    return f"{' '.join(sources)}\n\n{markdown_table(head, lines)}\n\nWith 95 % patient-bootstrap intervals."


def answers_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the answers of studies, one row each: can virtual DES replace real DES?"""
    studies = [StudyFigures(result) for result in results]
    virtual = {study.label(study.question["arm"]) for study in studies}
    head = ["data", "metric", "low energy", "real DES", virtual.pop() if len(virtual) == 1 else "virtual DES"]
    head += ["virtual minus real DES", "verdict"]
    rows = []
    for study, result in zip(studies, results, strict=True):
        arm, level = study.question["arm"], study.question["level"]
        values = [study.value(shown) for shown in ("low_energy", study.question["reference"], arm)]
        compared = [study.difference(arm), study.verdict(arm)]
        rows.append([_counts(study, result), f"{study.metric} by {level}", *values, *compared])
    return f"{markdown_table(head, rows)}\n\n{_foot(results)}"


def arms_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the main arms of studies: one row per arm, with the figure and the verdict of each study.

    Controls and arms with a retrained classifier are in the full tables.
    """
    studies = [StudyFigures(result) for result in results]
    labels: dict[str, str] = {}
    head, said = ["arm"], []
    for study, result in zip(studies, results, strict=True):
        question = study.question
        arm, metric = question["arm"], f"{study.metric} by {question['level']}"
        labels |= {row["arm"]: row["label"] for row in study.arms if _is_main(row)}
        head += [f"{study.data}: {metric}", "verdict"]
        said.append(
            f"- {_counts(study, result)}. {study.label(arm)} in place of {study.label(question['reference'])}: "
            f"**{study.verdict(arm)}**, difference in {metric} {study.difference(arm)}."
        )
    rows = [
        [label, *(cell for s in studies for cell in (s.value(arm), s.verdict(arm)))] for arm, label in labels.items()
    ]
    return "\n".join([*said, "", markdown_table(head, rows), "", _foot(results)])


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


def _counts(study: StudyFigures, result: Mapping[str, Any]) -> str:
    return f"{study.data}: {result['data']['patients']} patients, {study.counts}"


def _is_main(arm: Mapping[str, Any]) -> bool:
    return arm["classifier"] != "retrained" and arm["content"] not in ("low_energy", "shuffled")


def _foot(results: Sequence[Mapping[str, Any]]) -> str:
    counts = sorted({result["provenance"]["n_resamples"] for result in results})
    resamples = " and ".join(f"{count:,}" for count in counts)
    margins = " and ".join(sorted({f"{result['question']['margin']:g}" for result in results}))
    return (
        f"With 95 % patient-bootstrap intervals ({resamples} resamples), paired for the difference; margin of "
        f"non-inferiority {margins}."
    )


PERFORMANCE = {"fidelity": fidelity_performance, "classification": classification_performance}
OF_STUDIES = {"answers": answers_table, "arms": arms_table}
