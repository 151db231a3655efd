"""The figures of one study, looked up for the tables of cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.interval_text import interval_text

ABSENT = "-"


class StudyFigures:
    """The figures of a study by the metric of its question and at its level.

    Where all test cases are malignant the study evaluated regions, and the level is the region.

    Args:
        result: a results file ``study_NAME.json``.

    Attributes:
        question: arm, reference, level, metric and margin of the question.
        arms: all arms, each with its ``label``.
        ranked: level of the AUC: the image, or the region.
        metric: name of the question's metric, such as F1.
        data: name of the data.
        counts: the number of malignant cases at the level, such as ``41 of 120 examinations malignant``.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.question: dict[str, Any] = result["question"]
        self.arms: list[dict[str, Any]] = result["arms"]
        self.metric = METRICS[self.question["metric"]].label
        self.data = str(result["data"]["name"])
        level, regions = self.question["level"], result["regions"]
        self.ranked = level if regions else "image"
        malignant, cases = result["data"]["malignant"][level]
        self.counts = f"{malignant} of {cases} {level}s malignant"
        tables = result
        if regions:
            tables = {key: [{**row, "level": level} for row in regions[key]] for key in ("classification", "verdicts")}
        places = ("arm", "level", "metric", "statistic")
        self._rows = {tuple(row[place] for place in places): row for row in tables["classification"]}
        self._verdicts = {row["arm"]: str(row["verdict"]) for row in tables["verdicts"] if row["level"] == level}

    def label(self, arm: str) -> str:
        """Return the name of an arm for people."""
        return next(str(row["label"]) for row in self.arms if row["arm"] == arm)

    def value(self, arm: str) -> str:
        """Return the metric of an arm with its interval; a dash where the study lacks the arm."""
        return self._interval((arm, self.question["level"], self.question["metric"], "value"), ".3f")

    def auc(self, arm: str) -> str:
        """Return the AUC of an arm with its interval, at the level of `ranked`."""
        return self._interval((arm, self.ranked, "auc", "value"), ".3f")

    def difference(self, arm: str) -> str:
        """Return the difference in the metric between an arm and its reference, with its interval."""
        return self._interval((arm, self.question["level"], self.question["metric"], "difference"), "+.3f")

    def verdict(self, arm: str) -> str:
        """Return the verdict on an arm; a dash for a reference."""
        return self._verdicts.get(arm, ABSENT)

    def _interval(self, place: tuple[str, ...], form: str) -> str:
        row = self._rows.get(place)
        return ABSENT if row is None else interval_text(row["value"], row["low"], row["high"], form)
