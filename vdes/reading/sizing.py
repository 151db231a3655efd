"""How likely a reader study of the planned size is to reach a conclusion."""

from __future__ import annotations

from typing import Any

from vdes.statistics.mrmc.sample_size import CORRELATIONS, INTERACTION_SD, assumed_components, cases_needed
from vdes.statistics.mrmc.sample_size import reader_study_power as power_of


def sizing(
    auc: float,
    readers: int,
    malignant: int,
    others: int,
    margin: float,
    confidence: float,
    power: float,
    fixed_readers: bool,
) -> dict[str, Any]:
    """Return the power of a plan, with its assumptions.

    It is the probability that virtual DES is found non-inferior if it is as good as real DES, see
    `vdes.statistics.mrmc.sample_size`.

    Args:
        auc: of real and virtual DES alike, in (.5, 1).
        readers: planned.
        malignant: cases planned, two or more.
        others: other cases planned, two or more.
        margin: largest acceptable loss of AUC.
        confidence: of the two-sided interval.
        power: desired.
        fixed_readers: whether the readers are not a sample of readers.

    Returns:
        ``power``, ``wanted``, ``cases_needed`` (with these readers, for the desired power; None if no number of cases
        is enough) and ``assumed``.

    Raises:
        InputError: the AUC or a number of cases is out of range.

    """
    cases = malignant + others
    assumed = assumed_components(auc, malignant, others)
    found = power_of(assumed, cases, readers, cases, 0.0, margin, confidence, fixed_readers)
    return {
        "power": round(found.power, 3),
        "wanted": power,
        "cases_needed": cases_needed(assumed, cases, readers, 0.0, margin, power, confidence, fixed_readers),
        "assumed": {"auc": auc, "difference": 0.0, "correlations": CORRELATIONS, "interaction_sd": INTERACTION_SD},
    }


def sizing_words(found: dict[str, Any], readers: int, cases: int) -> str:
    """Return a plan's power in a sentence."""
    needed = found["cases_needed"]
    more = "no number of cases is enough for these readers" if needed is None else f"{needed} cases would be needed"
    return (
        f"{readers} readers of {cases} cases find virtual DES non-inferior with a probability of {found['power']:.0%} "
        f"if it is as good as real DES; for {found['wanted']:.0%}, {more}. Assumed: AUC {found['assumed']['auc']:g}, "
        "correlations and readers' variance of published studies"
    )
