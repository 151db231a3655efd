"""The words of a study's report: numbers, names and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.interval_text import interval_text
from vdes.study.contents import CONTENTS

NOT_DEFINED = "–"
MINUS = "−"
DATA_SENTENCE = (
    "These results apply to patients like those in this data set. Other mammography systems, contrast protocols and "
    "populations were not studied."
)
PHANTOM_SENTENCE = (
    "These are simulated patients. A phantom shows how a method behaves under known physics. It cannot show how often "
    "the method would be right in clinical practice."
)


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """Return a number as text, with a true minus; a dash where it is not defined."""
    if value is None or math.isnan(value):
        return NOT_DEFINED
    rounded = round(value, digits) + 0.0  # no sign before what rounds to 0
    return f"{rounded:{'+' if sign and rounded else ''}.{digits}f}".replace("-", MINUS)


def interval(row: Mapping[str, Any] | None, digits: int = 3, sign: bool = False) -> str:
    """Return ``value (low to high)`` of a row; without bounds, the value alone."""
    if row is None:
        return NOT_DEFINED
    return interval_text(row["value"], row["low"], row["high"], lambda value: number(value, digits, sign))


def p_value(value: float | None) -> str:
    """Return a p-value as text."""
    if value is not None and value < 0.001:
        return "< 0.001"
    return number(value)


def count(n: int, noun: str) -> str:
    """Return ``1 case`` or ``2 cases``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def metric_label(metric: str) -> str:
    """Return the usual name of a classification metric."""
    return METRICS[metric].label if metric in METRICS else words(metric)


def words(name: str) -> str:
    """Return a field's name as words."""
    return name.replace("_", " ")


def kind(arm: Mapping[str, Any]) -> str:
    """Return what an arm is for: ``virtual``, ``retrained``, ``control`` or ``real``."""
    own = "real" if arm["content"] is None else CONTENTS[arm["content"]].kind
    return "retrained" if arm["classifier"] == "retrained" and own != "control" else own


def question_words(arm: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """Return the question of a study as a sentence."""
    if arm["generator"] and reference["content"] == "real":
        together = " when read with low energy" if arm["inputs"] == "both" else ""
        after = ", after retraining the classifier" if arm["classifier"] == "retrained" else ""
        return f"Can virtual DES by {arm['generator']} replace real DES{together}{after}?"
    return plain_question(arm["label"], reference["label"])


def plain_question(arm: str, reference: str) -> str:
    """Return the question of a study by the labels of its arms."""
    return f"Can “{arm}” replace “{reference}”?"


def verdict_words(verdict: str, margin: float, confidence: float) -> tuple[str, str]:
    """Return a verdict of `vdes.study.verdicts` as a short answer and the sentence that explains it."""
    percent, limit = f"{100 * confidence:g} %", f"a loss of {margin:g}"
    bounds = f"the {percent} interval of the difference"
    if verdict == "non-inferior":
        return "Yes, within the margin", f"Non-inferior: {bounds} excludes {limit} (the margin) or more."
    if verdict == "inferior":
        return "No", f"Inferior: {bounds} lies entirely beyond {limit} (the margin)."
    kind, _, reason = verdict.partition(": ")
    if kind == "not assessable":
        return "Cannot be assessed", f"Not assessable: {reason}, so the other arm has nothing to lose."
    sentence = f"Inconclusive: {bounds} includes {limit} (the margin)."
    if "undefined" in reason:
        sentence = "Inconclusive: there are too few cases for an interval of the difference."
    elif reason:
        sentence += f" {reason[0].upper()}{reason[1:]}."
    return "Undecided", sentence
