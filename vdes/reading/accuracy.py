"""How well readers separate malignant from other cases: figures of merit by modality and reader, with differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from vdes.reading.crossed import Crossed
from vdes.reading.question import ReadingQuestion, reading_verdict
from vdes.statistics.mrmc.figures_of_merit import Merits, auc_merits, located_auc_merits, share_merits
from vdes.statistics.mrmc.obuchowski_rockette import (
    Estimate,
    components,
    difference,
    modality_test,
    modality_value,
    reader_difference,
    reader_value,
)

Rows = list[dict[str, Any]]
# BI-RADS categories that call for action: 0 for more imaging, 4 and above for a biopsy
POSITIVE = ("0", "4", "4A", "4B", "4C", "5", "6")
LOW_ENERGY = "low_energy"


def figures_of_merit(design: Crossed, covariance: str = "jackknife") -> dict[str, Merits]:
    """Return the figures of merit by metric.

    - ``auc``: area under the ROC curve of the probability of malignancy.
    - ``located_auc``: the same, but a malignant case counts only if its lesion was marked; only if there are marks.
    - ``sensitivity`` and ``specificity`` of the BI-RADS category, `POSITIVE` or not; only if there are categories.

    Args:
        design: its readings have ``malignancy``, and perhaps ``located`` and ``birads``.
        covariance: jackknife or delong, for the AUCs.
    """
    malignant = design.malignant
    rating = design.cube("malignancy").astype(float)
    found = {"auc": auc_merits(malignant, rating, covariance)}
    if "located" in design.readings:
        found["located_auc"] = located_auc_merits(malignant, rating, design.cube("located").astype(bool), covariance)
    if "birads" in design.readings:
        positive = np.isin(design.cube("birads").astype(str), POSITIVE).astype(float)
        found["sensitivity"] = share_merits(positive[..., malignant == 1])
        found["specificity"] = share_merits(1 - positive[..., malignant == 0])
    return found


def accuracy_rows(design: Crossed, merits: dict[str, Merits], question: ReadingQuestion) -> Rows:
    """Return the figures of merit over readers, and the differences between modalities.

    Returns:
        One row per metric, modality and ``statistic`` (``value`` or ``difference`` from ``reference``): ``value``,
        ``low``, ``high`` (of a value within [0, 1]), ``standard_error``, ``degrees_of_freedom`` (None if infinite) and
        ``p_value`` (of differences). The question's own difference has ``margin``, ``verdict`` and ``cases_needed``.
    """
    rows: Rows = []
    names = design.modalities
    pairs = [(question.arm, question.reference)]
    pairs += [(name, LOW_ENERGY) for name in names if LOW_ENERGY in names and name != LOW_ENERGY]
    for metric, found in merits.items():
        for index, name in enumerate(names):
            value = modality_value(found, index, question.readers, question.confidence)
            rows.append(_row(metric, "value", name, None, value))
        for arm, reference in pairs:
            one, other = names.index(arm), names.index(reference)
            estimate = difference(found, one, other, question.readers, question.confidence)
            row = _row(metric, "difference", arm, reference, estimate)
            if metric == question.metric and (arm, reference) == (question.arm, question.reference):
                auc = modality_value(merits["auc"], other, question.readers, question.confidence)
                verdict = reading_verdict(
                    question,
                    estimate,
                    auc,
                    components(_of_two(found, one, other)),
                    len(design.readers),
                    len(design.cases),
                )
                row |= {"margin": question.margin, **verdict._asdict()}
            rows.append(row)
    return rows


def reader_rows(design: Crossed, merits: dict[str, Merits], question: ReadingQuestion) -> Rows:
    """Return each reader's figures of merit and difference, arm minus reference; columns as in `accuracy_rows`."""
    rows: Rows = []
    names = design.modalities
    one, other = names.index(question.arm), names.index(question.reference)
    for metric, found in merits.items():
        for number, reader in enumerate(design.readers):
            for index, name in enumerate(names):
                value = reader_value(found, number, index, question.confidence)
                rows.append({"reader": reader, **_row(metric, "value", name, None, value)})
            estimate = reader_difference(found, number, one, other, question.confidence)
            rows.append({"reader": reader, **_row(metric, "difference", question.arm, question.reference, estimate)})
    return rows


def component_rows(design: Crossed, merits: dict[str, Merits], question: ReadingQuestion) -> Rows:
    """Return the variance components of each metric and the test of all modalities, for planning the next study."""
    rows: Rows = []
    for metric, found in merits.items():
        test = modality_test(found, question.readers) if len(design.modalities) > 1 else None
        parts = components(found)
        rows.append(
            {"metric": metric, "cases": len(design.cases), "readers": len(design.readers)}
            | {name: _known(getattr(parts, name)) for name in type(parts).__dataclass_fields__}
            | (
                {}
                if test is None
                else {
                    "statistic": _known(test.statistic),
                    "numerator_df": test.numerator_df,
                    "denominator_df": _known(test.denominator_df),
                    "p_value": _known(test.p_value),
                }
            )
        )
    return rows


def _of_two(merits: Merits, first: int, second: int) -> Merits:
    readers = merits.values.shape[1]
    chosen = np.concatenate([np.arange(readers) + index * readers for index in (first, second)])
    return Merits(merits.values[[first, second]], merits.covariance[np.ix_(chosen, chosen)])


def _row(metric: str, statistic: str, modality: str, reference: str | None, found: Estimate) -> dict[str, Any]:
    low, high = found.low, found.high
    if statistic == "value":  # a share or an AUC lies in [0, 1], and so must its interval
        low, high = max(low, 0.0), min(high, 1.0)
    return {
        "metric": metric,
        "statistic": statistic,
        "modality": modality,
        "reference": reference,
        "value": found.value,
        "low": _known(low),
        "high": _known(high),
        "standard_error": found.standard_error,
        "degrees_of_freedom": _known(found.degrees_of_freedom),
        "p_value": _known(found.p_value) if statistic == "difference" else None,
        "margin": None,
        "verdict": None,
        "cases_needed": None,
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
