"""The report of a reader study: one page that needs no network, joined to the classifier study's report on request."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from vdes.data.json_file import read_json
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.reading.accuracy import POSITIVE
from vdes.reading.analyse import ANALYSIS, LISTS, METRICS_FILE, READINGS_FILE
from vdes.reading.case_browser import read_cases
from vdes.reading.plan import PLAN_FILE, read_plan
from vdes.reading.reading_figures import reader_froc_figure, reader_roc_figure
from vdes.reading.reading_page import reading_page
from vdes.reading.reading_words import headline, modality_label
from vdes.reading.simulate import SIMULATED_FILE
from vdes.report.study_files import READERS_FILE
from vdes.report.study_report import write_report
from vdes.report.study_words import interval

PAGE = "report.html"
MOST_CURVES = 6


def write_reading_report(reading: Path, join: bool = False, overwrite: bool = False) -> Path:
    """Write ``report.html`` into a reader study's folder.

    Args:
        reading: folder of an analysed reader study, or of the analysis of a file of readings.
        join: also add the readers' part to the report of the study that the plan names, and rewrite that report.
        overwrite: replace an existing report.

    Returns:
        The page's path.

    Raises:
        InputError: nothing was analysed, the plan has changed since, the report exists, or there is no study to join.
    """
    planned = (reading / PLAN_FILE).is_file()
    analysis = reading / ANALYSIS if planned else reading
    metrics, readings = _read_analysis(analysis)
    cases = []
    simulated = None
    if planned:
        plan = read_plan(reading)
        if metrics["provenance"].get("plan_sha256") != plan["sha256"]:
            raise InputError(
                f"{analysis / METRICS_FILE}: plan_sha256: belongs to another plan; analyse the readings again"
            )
        cases = read_cases(reading, readings, POSITIVE)
        if metrics["data"]["simulated"] and (reading / SIMULATED_FILE).is_file():
            simulated = read_json(reading / SIMULATED_FILE)
    if join and not (metrics["study"] and planned):
        raise InputError(f"{reading}: names no study of a classifier whose report could be joined")
    page = reading / PAGE
    with staged([page], overwrite) as stages:
        text = reading_page(metrics, _figures(metrics, readings), cases, simulated)
        stages[page].write_text(text, encoding="utf-8")
    if join:
        _join(Path(plan["study"]), metrics)
    return page


def _read_analysis(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    for name in (METRICS_FILE, READINGS_FILE):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; run `vdes reading analyse` first")
    readings = pd.read_csv(
        folder / READINGS_FILE,
        dtype={name: str for name in ("reader", "case", "patient", "birads")},
        keep_default_na=False,
        na_values={name: [""] for name in ("missing", "distorted", "invented", "malignancy", "seconds")},
    )
    for name in LISTS:
        if name in readings:
            readings[name] = readings[name].map(json.loads)
    return read_json(folder / METRICS_FILE), readings


def _figures(metrics: Mapping[str, Any], readings: pd.DataFrame) -> dict[str, tuple[str, bytes]]:
    labels = {name: modality_label(name) for name in metrics["data"]["modalities"][:MOST_CURVES]}
    areas = {
        row["modality"]: f"AUC {interval(row)}"
        for row in metrics["accuracy"]
        if (row["metric"], row["statistic"]) == ("auc", "value")
    }
    words = f"of {', '.join(labels.values())}; the areas are in the table"
    found = {"roc": (f"ROC curves {words}", _png(reader_roc_figure(readings, labels, areas)))}
    if "lesions" in readings and readings["lesions"].sum():
        found["froc"] = (f"Free-response ROC curves {words}", _png(reader_froc_figure(readings, labels)))
    return found


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _join(study: Path, metrics: Mapping[str, Any]) -> None:
    """Write what the study's report shows about the readers, then rewrite that report."""
    if not study.is_dir():
        raise InputError(f"{study}: no such folder; expected the study that the plan names")
    said = headline(metrics)
    content = {
        **{name: said[name] for name in ("question", "short", "why", "limits")},
        "simulated": metrics["data"]["simulated"],
        "readers": len(metrics["data"]["readers"]),
        "cases": metrics["data"]["cases"],
        "malignant": metrics["data"]["malignant"],
        "margin": metrics["question"]["margin"],
        "confidence": metrics["question"]["confidence"],
        "rows": metrics["study"]["rows"],
        "note": metrics["study"]["note"],
    }
    file = study / READERS_FILE
    with staged([file], overwrite=True) as stages:
        stages[file].write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    write_report(study)
