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


def plain_words(
    arm: str, reference: str, metric: str, level: str, margin: float, verdict: str | None, phantom: bool
) -> tuple[str, str, str]:
    """Return three sentences for people: what was asked, what was found and what that does not mean.

    Args:
        arm: name of the arm.
        reference: name of its reference.
        metric: name of the question's metric for people.
        level: image, breast, examination or region.
        margin: the largest acceptable loss.
        verdict: of `vdes.study.verdicts`; None without an answer.
        phantom: whether the patients are simulated.
    """
    asked = (
        f"We asked whether malignant and other {level}s are told apart with a loss of less than {margin:g} in {metric} "
        f"when “{arm}” takes the place of “{reference}”."
    )
    kind, _, reason = (verdict or "").partition(": ")
    if kind == "non-inferior":
        found = f"Any loss is smaller than {margin:g}, as far as these patients can tell."
        not_meant = "This does not mean that the two show the same, or that nothing is lost."
    elif kind == "inferior":
        found = f"The loss is larger than {margin:g}: more than was accepted before the study."
        not_meant = "This does not mean that the images are of no use, or that another method would lose as much."
    elif kind == "not assessable":
        found = "No answer is possible, because even the reference is not shown to do better than guessing here."
        not_meant = "This does not mean that the two are equally good: where nothing is told, nothing can be lost."
    elif kind == "inconclusive":
        if "undefined" in reason:
            found = "There are too few cases to say how large the loss is."
        else:
            found = f"The loss may be smaller or larger than {margin:g}: these patients cannot tell which."
        not_meant = "This does not mean that there is no loss, or that there is one."
    else:
        found = "There is no answer, because one of the two has no result."
        not_meant = "This does not mean anything about the images: the study did not come to an end."
    scope = "for real patients" if phantom else "for other patients, machines or human readers"
    return asked, found, f"{not_meant[:-1]}; nor does it say what would be found {scope}."
