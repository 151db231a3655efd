"""Non-inferiority of arms to their references, with a check of the reference itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vdes.statistics.non_inferiority import NonInferiority, non_inferiority
from vdes.study.question import Question

CHANCE = 0.5  # area under the ROC curve
AT_CHANCE = NonInferiority("not assessable: the reference is not shown to be better than chance", None)


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
        found = non_inferiority(
            value, low, high, error, int(row["patients"]), question.margin, question.power, question.confidence
        )
        told = lowest[row["reference"]] > CHANCE
        if not told and found.verdict != "inferior" and not np.isnan(low):
            found = AT_CHANCE
        named = {key: row[key] for key in ("arm", "reference", "metric")}
        rows.append({**named, "margin": question.margin, **found._asdict()})
    return rows
