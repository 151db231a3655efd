"""Non-inferiority of arms to their references, with a check of the reference itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vdes.statistics.bootstrap import Interval
from vdes.statistics.non_inferiority import NonInferiority, non_inferiority
from vdes.study.question import Question

CHANCE = 0.5  # area under the ROC curve
AT_CHANCE = NonInferiority("not assessable: the reference is not shown to be better than chance", None)


def verdict_on(
    difference: Interval, standard_error: float, patients: int, lowest_auc: float, question: Question
) -> NonInferiority:
    """Give a verdict on one difference; see `verdicts`.

    Args:
        difference: of the arm from its reference, with its interval.
        standard_error: of the difference.
        patients: number of patients.
        lowest_auc: lower bound of the reference's AUC.
        question: margin, power and confidence.
    """
    found = non_inferiority(*difference, standard_error, patients, question.margin, question.power, question.confidence)
    if not lowest_auc > CHANCE and found.verdict != "inferior" and not np.isnan(difference.low):
        return AT_CHANCE
    return found


def verdicts(classification: pd.DataFrame, question: Question) -> list[dict[str, Any]]:
    """Give a verdict on the difference of each arm from its reference in the question's metric.

    Being no worse than an uninformative reference is no merit: the comparison lacks assay sensitivity (ICH E10). If the
    interval of the reference's AUC includes chance, an arm that is not inferior is not assessable.

    Args:
        classification: rows of one level, with ``arm``, ``reference``, ``metric`` (the question's, and auc),
            ``statistic``, ``value``, ``low``, ``high``, ``standard_error`` and ``patients``.
        question: metric, margin, power and confidence.

    Returns:
        One row per difference: ``arm``, ``reference``, ``metric``, ``margin``, ``verdict`` and ``patients_needed``.

    """
    areas = classification[(classification["metric"] == "auc") & (classification["statistic"] == "value")]
    lowest = dict(zip(areas["arm"], areas["low"].astype(float), strict=True))
    chosen = (classification["statistic"] == "difference") & (classification["metric"] == question.metric)
    rows = []
    for row in classification[chosen].to_dict("records"):
        value, low, high, error = (float(row[key]) for key in ("value", "low", "high", "standard_error"))
        found = verdict_on(Interval(value, low, high), error, int(row["patients"]), lowest[row["reference"]], question)
        named = {key: row[key] for key in ("arm", "reference", "metric")}
        rows.append({**named, "margin": question.margin, **found._asdict()})
    return rows
