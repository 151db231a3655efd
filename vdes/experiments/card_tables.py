"""The full tables of results, each from a results file that a command of this folder wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vdes.experiments.shortcuts import markdown as shortcut_table
from vdes.experiments.study_figures import ABSENT, StudyFigures
from vdes.handlers.classification_table import classification_table
from vdes.handlers.criterion_table import criterion_table
from vdes.handlers.fidelity_table import all_tables
from vdes.metrics.fidelity import COLUMNS, FIDELITY
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table

RUN_METRICS = {
    "psnr_breast": COLUMNS["psnr_breast"].label,
    "ssim_breast": COLUMNS["ssim_breast"].label,
    "correlation_breast": FIDELITY["correlation"].label,
}


def fidelity_tables(result: dict[str, Any]) -> str:
    """Return the fidelity tables of one evaluation, with its data and weights."""
    source = result["provenance"]
    summary = pd.DataFrame(result["summary"])
    header = (
        f"Data: {source['data']}, section {source['section']} (split: {source['split']['method']}, "
        f"seed {source['split']['seed']}); weights sha256 {source['weights_sha256'][:12]}; data range "
        f"{result['data_range']:g}; constant level {result['constant_level']:.3f}."
    )
    parts = [header, criterion_table(pd.DataFrame(result.get("lesions", []))), all_tables(summary)]
    return "\n\n".join(part for part in parts if part)


def runs_table(result: dict[str, Any]) -> str:
    """Return the table of all runs and of the arms' means with their intervals."""
    knob = result["knob"].replace("_", " ")
    head = [knob, "seed", "validation PSNR (dB)", *RUN_METRICS.values(), "correlation, training patients"]
    lines = []
    for run in result["runs"]:
        figures = [run["validation"]["psnr_breast"], *(run["test"][metric] for metric in RUN_METRICS)]
        figures.append(run["training"]["correlation_breast"])
        lines.append([run["arm"], str(run["seed"]), *(f"{figure:.3f}" for figure in figures)])
    arms = pd.DataFrame(result["arms"])
    for (arm, minus), rows in arms.groupby(["arm", "minus"], sort=False):
        cells = {row["metric"]: pd.Series(row) for row in rows.to_dict("records")}
        name = f"{arm}, mean of seeds" + (f", minus {minus}" if minus else "")
        form = "+.3f" if minus else ".3f"
        figures = ["-" if pd.isna(cells[metric]["value"]) else _interval(cells[metric], form) for metric in RUN_METRICS]
        lines.append([name, "", "", *figures, ""])
    shipped = result["shipped"]
    chosen = f"Shipped: {shipped['arm']}, seed {shipped['seed']}, chosen by {shipped['chosen_by']}."
    return f"{markdown_table(head, lines)}\n\n{chosen}"


def classification_tables(result: dict[str, Any]) -> str:
    """Return the tables of a classifier: test patients of all folds, those of the split, and its operating points."""
    parts = []
    if "folds" in result:
        folds = result["folds"]
        source = folds["provenance"]
        count = len(source["folds_sha256"])
        parts.append(
            f"{source['data']}, inputs: {source['inputs']}; test patients of all {count} folds, each scored by the run "
            "of its fold."
        )
        parts.append(classification_table(pd.DataFrame(folds["summary"])))
        areas = pd.DataFrame(folds["auc_of_each"])
        each = {level: "; " + ", ".join(f"{area:.3f}" for area in areas[level]) for level in areas}
        listed = [f"{row['level']} {_interval(row, note=each[row['level']])}" for row in folds["auc_within_folds"]]
        parts.append(
            "The table pools the probabilities of the folds' runs, which are not on the same scale. Mean AUC within "
            f"folds (interval; each fold): {'; '.join(listed)}."
        )
        alike = folds["auc_examination_alike"]
        parts.append(
            "AUC of examinations, comparing only those of the same fold with the same number of images: "
            f"{_interval(alike)}, {alike['pairs']} pairs."
        )
    for inputs, test in result["test"].items():
        source = test["provenance"]
        parts.append(
            f"The shipped weights (sha256 {source['weights_sha256'][:12]}), {source['data']}, section "
            f"{source['section']} (split: {source['split']['method']}, seed {source['split']['seed']}); inputs: "
            f"{inputs}."
        )
        parts.append(classification_table(pd.DataFrame(test["summary"])))
    points = result["calibration"]
    cells = [
        f"{level} {temperature:.2f}, {threshold:.3f}"
        for level, temperature, threshold in zip(
            points["levels"], points["temperature"], points["threshold"], strict=True
        )
    ]
    parts.append(f"Temperature and threshold of the weights, from the validation patients: {'; '.join(cells)}.")
    return "\n\n".join(parts)


def learning_table(result: dict[str, Any]) -> str:
    """Return the AUC within folds over the number of training patients."""
    levels = [row["level"] for row in result["points"][0]["auc_within_folds"]]
    head = ["training patients", *levels, "examinations with equal numbers of images"]
    lines = []
    for point in result["points"]:
        fewest, most = min(point["patients"]), max(point["patients"])
        rows = [*point["auc_within_folds"], point["auc_examination_alike"]]
        cells = [_interval(row) for row in rows]
        lines.append([f"{fewest}" if fewest == most else f"{fewest} to {most}", *cells])
    folds, test = len(result["points"][0]["patients"]), result["points"][0]["auc_within_folds"][-1]["patients"]
    return (
        f"{result['data']}, inputs: {result['inputs']}; mean AUC within {folds} folds, on the same {test} test "
        f"patients (95 % patient-bootstrap interval); the same number of training steps for each row.\n\n"
        f"{markdown_table(head, lines)}"
    )


def joint_tables(result: dict[str, Any]) -> str:
    """Return the effect of joint training on fidelity and classification, compared with the other arms."""
    source = result["provenance"]
    head = (
        f"Data: {source['data']}, section {source['section']}; {result['epochs']} epochs each, classification_weight "
        f"{result['classification_weight']:g}, working height {result['height']} px; means of {len(result['seeds'])} "
        "seeds."
    )
    fidelity, classification = pd.DataFrame(result["fidelity"]), pd.DataFrame(result["classification"])
    fidelity["level"] = "fidelity"
    arms = list(dict.fromkeys(fidelity["arm"]))
    reference = result["reference"]
    others = [arm for arm in arms if arm != reference]
    compared = [f"{arm} minus {reference}" for arm in others]
    columns = ["level", "metric", *arms, *compared, f"{compared[-1]}, each seed", "cases of patients"]
    lines = []
    for (level, metric), rows in pd.concat([fidelity, classification]).groupby(["level", "metric"], sort=False):
        cells = rows.set_index(["arm", "statistic"])
        values = [_interval(cells.loc[(arm, "value")]) for arm in arms]
        differences = [_interval(cells.loc[(arm, "difference")], "+.3f") for arm in others]
        each = ", ".join(f"{value:+.3f}" for value in cells.loc[(others[-1], "difference"), "each"])
        counts = cells.loc[(reference, "value")]
        count = f"{counts['cases']} of {counts['patients']}"
        lines.append([str(level), str(metric), *values, *differences, each, count])
    table = markdown_table(columns, lines)
    return f"{head}\n\n{table}\n\nWith 95 % patient-bootstrap intervals, paired for the difference."


def study_table(result: dict[str, Any]) -> str:
    """Return the answer of a real-vs-virtual study and the table of its arms."""
    data, question, answer, study = result["data"], result["question"], result["answer"], StudyFigures(result)
    name, level, margin = study.metric, question["level"], question["margin"]
    head = (
        f"Data: {data['name']}, section {data['section']}: {data['cases']} images of {data['patients']} patients; "
        f"{study.counts}."
    )
    columns = ["arm", f"{name}, {level}", f"AUC, {study.ranked}", f"difference in {name}, {level}"]
    columns.append(f"verdict, margin {margin:g}")
    lines = []
    for arm in result["arms"]:
        compared = ["", ""]
        if study.verdict(arm["arm"]) != ABSENT:
            compared = [f"{study.difference(arm['arm'])} to {study.label(arm['reference'])}", study.verdict(arm["arm"])]
        lines.append([arm["label"], study.value(arm["arm"]), study.auc(arm["arm"]), *compared])
    said = (
        f"**{study.label(question['arm'])} in place of {study.label(question['reference'])}: {answer['verdict']}** "
        f"({name} by {level} {answer['arm']['value']:.3f} against {answer['reference']['value']:.3f}, difference "
        f"{_interval(answer['difference'], '+.3f')}, margin {margin:g})."
    )
    weights = ", ".join(f"{b['role']} {b['weights_sha256'][:12]}" for b in result["provenance"]["bundles"])
    foot = (
        f"With 95 % patient-bootstrap intervals ({result['provenance']['n_resamples']:,} resamples), paired for the "
        f"difference. Weights (sha256): {weights}."
    )
    return f"{said}\n\n{head}\n\n{markdown_table(columns, lines)}\n\n{foot}"


def ablation_table(result: dict[str, Any]) -> str:
    """Return what each variant of an ablation achieves, and its paired differences to the base."""
    rows = result["rows"]
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    lines = []
    for variant in dict.fromkeys(row["variant"] for row in rows):
        found = {row["metric"]: row for row in rows if row["variant"] == variant}
        lines.append([variant, *(_interval(found[metric]) if metric in found else "-" for metric in metrics)])
        if any("difference" in row for row in found.values()):
            cells = [_difference(found.get(metric, {})) for metric in metrics]
            lines.append([f"{variant}, minus base", *cells])
    counts = {metric: next(row for row in rows if row["metric"] == metric) for metric in metrics}
    lines.append(["cases or places, of patients", *(f"{row['cases']} of {row['patients']}" for row in counts.values())])
    head = (
        f"Data: {result['data']}, test sections of {len(result['folds_sha256'])} folds; working height "
        f"{result['height']} px, {result['variants']['base']['epochs']} epochs; seeds "
        f"{', '.join(map(str, result['seeds']))}."
    )
    table = markdown_table(["variant", *(metric.replace("_", " ") for metric in metrics)], lines)
    return f"{head}\n\n{table}\n\nWith 95 % patient-bootstrap intervals, paired for the differences."


def _difference(row: Mapping[str, Any]) -> str:
    if row.get("difference") is None:
        return "-"
    return interval_text(row["difference"], row["difference_low"], row["difference_high"], "+.3f")


def _interval(row: Mapping[str, Any] | pd.Series, form: str = ".3f", note: str = "") -> str:
    return interval_text(row["value"], row["low"], row["high"], form, note)


WRITERS = {
    "ablation": ablation_table,
    "fidelity": fidelity_tables,
    "runs": runs_table,
    "classification": classification_tables,
    "learning_curve": learning_table,
    "joint": joint_tables,
    "shortcut": shortcut_table,
    "study": study_table,
}
