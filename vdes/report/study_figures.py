"""The figures of a study: forest plot, ROC curves, calibration, shares of virtual images, maps of disagreement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from vdes.report.calibration_panels import calibration_panels
from vdes.report.disagreement_plot import disagreement_figure
from vdes.report.forest_plot import Forest, forest_figure
from vdes.report.roc_plot import STYLES, roc_figure
from vdes.report.share_plot import share_figure
from vdes.report.study_files import StudyFiles
from vdes.report.study_words import metric_label
from vdes.statistics.bootstrap import Interval
from vdes.statistics.predictions import known_cases

MOST = len(STYLES)  # arms in one figure
SIDE_INCHES = 4.2  # of a ROC curve, so that its letters are legible on a page 400 px wide


@dataclass(frozen=True)
class StudyFigure:
    """A figure with its title and description.

    Attributes:
        file: name of its file.
        kind: forest, roc, calibration, share or disagreement.
        level: image, breast or examination.
        title: what it shows.
        text: description for readers who cannot see it.
        figure: the picture.
    """

    file: str
    kind: str
    level: str
    title: str
    text: str
    figure: Figure


def study_figures(study: StudyFiles, forest: Forest | None) -> Iterator[StudyFigure]:
    """Yield the figures of a study, without those that its tables lack data for.

    ROC and calibration are drawn at the question's level and at image level if both classes are present: one figure
    for the real images and controls, and one for each generator with the real arms that its arms are compared with.

    Args:
        study: the study's files.
        forest: forest plot of the question's metric and level, if there is one.

    """
    question = study.metrics["question"]
    if forest is not None:
        title = f"Difference in {metric_label(forest.metric)} from the reference, {forest.level} level"
        yield StudyFigure(
            "forest.png",
            "forest",
            forest.level,
            title,
            "the numbers are in the list",
            forest_figure(forest, study.labels),
        )
    for level in dict.fromkeys((question["level"], "image")):
        for number, (title, arms) in enumerate(arm_groups(study.metrics["arms"]).items(), start=1):
            yield from _curves(study, level, title, arms, f"{level}_{number}_{_file_name(title)}")
    yield from _shares(study)
    for number, generator in enumerate(study.generators, start=1):
        file = study.folder / "images" / f"disagreement_map-{generator}.npz"
        drawn = disagreement_figure(file) if file.is_file() else None
        if drawn is not None:
            title = f"Virtual DES by {generator} against real DES"
            name = f"disagreement_{number}_{_file_name(generator)}.png"
            yield StudyFigure(name, "disagreement", "image", title, f"{title}: maps of the mean difference", drawn)


def arm_groups(arms: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the ids of the arms of each figure, at most six, by the figure's title.

    One group for each generator: its arms, preceded by their references. Then the arms without a generator.
    """
    groups: dict[str, list[str]] = {}
    for generator in dict.fromkeys(arm["generator"] for arm in arms if arm["generator"]):
        own = [arm for arm in arms if arm["generator"] == generator]
        names = [arm["reference"] for arm in own if arm["reference"]] + [arm["arm"] for arm in own]
        groups[generator] = list(dict.fromkeys(names))
    groups["real images and controls"] = [arm["arm"] for arm in arms if not arm["generator"]]
    found = {}
    for title, names in groups.items():
        for start in range(0, len(names), MOST):
            found[f"{title} ({start // MOST + 1})" if len(names) > MOST else title] = names[start : start + MOST]
    return found


def _curves(study: StudyFiles, level: str, title: str, arms: Sequence[str], name: str) -> Iterator[StudyFigure]:
    labels = study.labels
    tables: dict[str, pd.DataFrame] = {}
    for arm in arms:
        if arm in study.predictions:
            table = study.predictions[arm]
            table = table[table["level"] == level]
            if known_cases(table, f"arm {arm}")["malignant"].nunique() == 2:
                tables[labels.get(arm, arm)] = table
    if not tables:
        return
    areas = {
        labels[row["arm"]]: Interval(row["value"], row["low"], row["high"])
        for row in study.metrics["classification"]
        if (row["level"], row["metric"], row["statistic"]) == (level, "auc", "value")
        and row["low"] is not None
        and labels.get(row["arm"]) in tables
    }
    text = f"of {', '.join(tables)}; the areas and errors are in the table of all figures"
    yield StudyFigure(
        f"roc_{name}.png", "roc", level, title, f"ROC curves {text}", roc_figure(tables, areas, SIDE_INCHES)
    )
    yield StudyFigure(
        f"calibration_{name}.png", "calibration", level, title, f"Reliability {text}", calibration_panels(tables)
    )


def _shares(study: StudyFiles) -> Iterator[StudyFigure]:
    rows: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in study.metrics["synthetic_share"]:
        rows.setdefault((row["level"], row["metric"], row["reference"]), []).append(row)
    for number, ((level, metric, reference), found) in enumerate(rows.items(), start=1):
        arms = list(dict.fromkeys(row["arm"] for row in found))
        real = study.labels.get(reference, reference)
        title = f"{metric_label(metric)} as virtual images replace those of {real}, {level} level"
        for start in range(0, len(arms), MOST):
            drawn = arms[start : start + MOST]
            figure = share_figure([row for row in found if row["arm"] in drawn], study.labels)
            name = f"share_{number}_{start // MOST + 1}_{_file_name(reference)}.png"
            yield StudyFigure(name, "share", level, title, "the numbers are in the table below", figure)


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()
