"""Analyse a reader study: turn the readings into tables and ``metrics.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.data.staging import staged
from vdes.data.versions import versions
from vdes.errors import InputError
from vdes.reading import tables
from vdes.reading.accuracy import accuracy_rows, component_rows, figures_of_merit, reader_rows
from vdes.reading.agreement import agreement_rows
from vdes.reading.crossed import KNOWN_ORDER, Crossed, crossed
from vdes.reading.exchange import imrmc_text, mrmcaov_table, read_exchange
from vdes.reading.impressions import choice_rows, feature_rows, quality_rows, time_rows
from vdes.reading.localisation import false_mark_rows, located_readings
from vdes.reading.plan import PLAN_FILE, read_plan
from vdes.reading.question import ReadingQuestion, planned_question
from vdes.reading.settings import AnalysisSettings
from vdes.reading.study_losses import study_losses

ANALYSIS = "analysis"
METRICS_FILE, READINGS_FILE, IMRMC_FILE, MRMCAOV_FILE = "metrics.json", "readings.csv", "readings.imrmc", "mrmcaov.csv"
LISTS = ("marks", "hits")  # columns of readings.csv that hold JSON
TABLES = ("accuracy", "by_reader", "components", "marks", "agreement", "choices", "quality", "features", "times")


def analyse(reading: Path, settings: AnalysisSettings | None = None, overwrite: bool = False) -> Path:
    """Analyse a reader study, or a file of readings.

    Writes ``metrics.json``, each of its tables as csv, ``readings.csv`` (the first readings that were analysed, with
    the truth), and the same readings for other programs: ``readings.imrmc`` and ``mrmcaov.csv``.

    Args:
        reading: folder of a reader study, or a file of readings in the format of iMRMC or MRMCaov.
        settings: of the analysis; None for the defaults.
        overwrite: replace an existing analysis.

    Returns:
        The output folder.

    Raises:
        InputError: readings are outstanding, the plan or the readings cannot be used, or the output exists.
    """
    settings = settings or AnalysisSettings()
    from_file = reading.is_file()
    output = settings.output or (None if from_file else reading / ANALYSIS)
    if output is None:
        raise InputError(f"{reading}: is a file; expected --output with a folder for its analysis")
    if output.is_dir() and any(output.iterdir()) and not (output / METRICS_FILE).is_file():
        raise InputError(f"{output}: holds other files; expected a folder that is empty or does not exist")
    content, design = (_of_file if from_file else _of_folder)(reading, settings)
    with staged([output], overwrite) as stages:
        folder = stages[output]
        folder.mkdir()
        text = json.dumps(content, indent=1, allow_nan=False)
        (folder / METRICS_FILE).write_text(text + "\n", encoding="utf-8")
        for name in TABLES:
            if content[name]:
                pd.DataFrame(content[name]).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        labels = dict(zip(design.cases["case"], design.malignant, strict=True))
        shown = design.readings.assign(malignant=design.readings["case"].map(labels))
        lists = [name for name in LISTS if name in shown]
        shown = shown.assign(**{name: shown[name].map(json.dumps) for name in lists})
        shown.to_csv(folder / READINGS_FILE, index=False, lineterminator="\n")
        (folder / IMRMC_FILE).write_text(imrmc_text(design.readings, design.cases), encoding="utf-8")
        mrmcaov_table(design.readings, design.cases).to_csv(folder / MRMCAOV_FILE, index=False, lineterminator="\n")
    return output


def _of_folder(reading: Path, settings: AnalysisSettings) -> tuple[dict[str, Any], Crossed]:
    """Return the results of a reader study, and what was analysed."""
    plan = read_plan(reading)
    stated = [name for name in ("arm", "reference", "margin") if getattr(settings, name) is not None]
    if stated:
        raise InputError(
            f"{stated[0]}: {getattr(settings, stated[0])}; {reading / PLAN_FILE} has the question, which was "
            "fixed before the first reading"
        )
    question = planned_question(plan)
    left = tables.unfinished(reading)
    if left and not settings.unfinished:
        named = ", ".join(f"{reader} ({number})" for reader, number in left.items())
        raise InputError(
            f"{reading}: readings are outstanding: {named}; an analysis now would end the blinding. Wait, or "
            "pass --unfinished to analyse anyway"
        )
    readings, truth = tables.readings_table(reading), tables.truth_table(reading)
    images = tables.images_table(reading)
    known = images[images["pixel_size_mm"].notna()]
    sizes = dict(zip(zip(known["case"], known["view"], strict=True), known["pixel_size_mm"].astype(float), strict=True))
    order = {name: place for place, name in enumerate(KNOWN_ORDER)}
    readings = readings.sort_values("modality", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    readings = readings.join(located_readings(readings, truth, sizes, settings.tolerance_mm))
    design = crossed(readings, truth)
    again = (settings.n_resamples, settings.seed, question.confidence)
    found = _of_design(design, question, settings) | {
        "marks": false_mark_rows(design.readings, truth, *again),
        "agreement": agreement_rows(readings, design.readers, *again),
        "choices": choice_rows(tables.choices_table(reading), question),
        "quality": quality_rows(tables.quality_table(reading), question),
        "features": feature_rows(design.readings, truth, *again),
        "times": time_rows(design.readings),
    }
    found["study"] = study_losses(
        plan,
        tables.study_key(reading),
        design,
        found["accuracy"],
        question,
        settings.n_resamples,
        settings.seed,
    )
    simulated = tables.simulated(reading)
    data = _data(design, plan["name"], simulated) | {
        "phantom": plan.get("phantom"),
        "generator": plan.get("generator"),
        "design": plan["design"],
        "sizing": plan.get("sizing"),
        "unfinished": left,
    }
    return _content(settings, question, data, found, {"plan_sha256": plan["sha256"]}), design


def _of_file(reading: Path, settings: AnalysisSettings) -> tuple[dict[str, Any], Crossed]:
    """Return the results of a file of readings, and what was analysed."""
    readings, truth = read_exchange(reading)
    design = crossed(readings, truth)
    if len(design.modalities) < 2:
        raise InputError(f"{reading}: one modality, {design.modalities[0]}; expected two or more to compare")
    for name in ("arm", "reference"):
        if getattr(settings, name) not in design.modalities:
            raise InputError(
                f"{name}: {getattr(settings, name)!r}; expected one of the modalities of {reading}: "
                f"{', '.join(design.modalities)}"
            )
    question = ReadingQuestion(str(settings.arm), str(settings.reference))
    if settings.margin is not None:
        question = replace(question, margin=settings.margin)
    found = _of_design(design, question, settings) | {name: [] for name in TABLES[3:]} | {"study": None}
    data = _data(design, reading.stem, False) | {"unfinished": {}}
    data |= dict.fromkeys(("phantom", "generator", "design", "sizing"))
    digest = hashlib.sha256(reading.read_bytes()).hexdigest()
    return _content(settings, question, data, found, {"readings_sha256": digest}), design


def _of_design(design: Crossed, question: ReadingQuestion, settings: AnalysisSettings) -> dict[str, Any]:
    for name in (question.arm, question.reference):
        if name not in design.modalities:
            raise InputError(f"readings: none in modality {name}, which the question asks about")
    merits = figures_of_merit(design, settings.covariance)
    return {
        "accuracy": accuracy_rows(design, merits, question),
        "by_reader": reader_rows(design, merits, question),
        "components": component_rows(design, merits, question),
    }


def _data(design: Crossed, name: str, simulated: bool) -> dict[str, Any]:
    return {
        "name": name,
        "simulated": simulated,
        "readers": design.readers,
        "modalities": design.modalities,
        "cases": len(design.cases),
        "malignant": int(design.malignant.sum()),
        "left_out_readers": design.left_out_readers,
        "left_out_cases": design.left_out_cases,
    }


def _content(
    settings: AnalysisSettings,
    question: ReadingQuestion,
    data: dict[str, Any],
    found: Mapping[str, Any],
    digest: dict[str, str],
) -> dict[str, Any]:
    def row(statistic: str, modality: str) -> dict[str, Any]:
        return next(
            one
            for one in found["accuracy"]
            if (one["metric"], one["statistic"], one["modality"]) == (question.metric, statistic, modality)
            and one["reference"] in (None, question.reference)
        )

    difference = row("difference", question.arm)
    return {
        "data": data,
        "question": question.record(),
        "answer": {
            "verdict": difference["verdict"],
            "cases_needed": difference["cases_needed"],
            "arm": row("value", question.arm),
            "reference": row("value", question.reference),
            "difference": difference,
        },
        **found,
        "provenance": {
            **digest,
            "versions": versions(),
            "covariance": settings.covariance,
            "tolerance_mm": settings.tolerance_mm,
            "n_resamples": settings.n_resamples,
            "seed": settings.seed,
            "made": date.today().isoformat(),
        },
    }
