"""The wording of a reader study's report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vdes.report.study_words import DATA_SENTENCE, PHANTOM_SENTENCE, verdict_words

MODALITY_LABELS = {
    "low_energy": "low energy alone",
    "real": "low energy and real DES",
    "virtual": "low energy and virtual DES",
}
KIND_OF = {"low_energy": "control", "real": "real", "virtual": "virtual"}
METRIC_LABELS = {
    "auc": "AUC",
    "located_auc": "AUC, lesion marked",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
SCALE_LABELS = {
    "birads": "BI-RADS category",
    "bpe": "background enhancement",
    "conspicuity": "lesion conspicuity",
}
DESIGNS = {
    "sequential": "sequential: low energy alone first, then together with DES",
    "crossover": "crossover: each of three sessions mixes the three modalities",
    "independent": "independent: one modality per session",
}
SIMULATED_SENTENCE = (
    "The readers are simulated: an ideal observer of the phantom's truth, with noise. No person has read these images, "
    "and nothing here says how a radiologist would perform. These results only show that the software works."
)


def modality_label(modality: str) -> str:
    """Return a modality's label in the report."""
    return MODALITY_LABELS.get(modality, modality.replace("_", " "))


def kind(modality: str) -> str:
    """Return the style in which plots draw a modality."""
    return KIND_OF.get(modality, "real")


def headline(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return the question, the short answer, its explanation, and the limits of the reader study.

    Args:
        metrics: the content of ``metrics.json``.
    """
    question, data = metrics["question"], metrics["data"]
    if (question["arm"], question["reference"]) == ("virtual", "real"):
        asked = "Do readers do as well with virtual DES as with real DES?"
    else:
        names = (modality_label(question[name]) for name in ("arm", "reference"))
        asked = "Do readers do as well with {} as with {}?".format(*names)
    short, why = verdict_words(metrics["answer"]["verdict"], question["margin"], question["confidence"])
    if data["simulated"]:
        asked = f"Simulated readers: {asked[0].lower()}{asked[1:]}"
        limits = SIMULATED_SENTENCE
    else:
        limits = PHANTOM_SENTENCE if data.get("phantom") else DATA_SENTENCE
        meant = "these readers only" if question["readers"] == "fixed" else "readers like these"
        limits = f"{limits} The results hold for {meant}, who knew that they were taking part in a study."
    return {"question": asked, "short": short, "why": why, "limits": limits}
