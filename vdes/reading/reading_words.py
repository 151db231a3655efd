"""How a reader study's findings read."""

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
    "sequential": "sequential: low energy first, then the DES image beside it",
    "crossover": "crossover: the three modalities mixed in each of three sessions",
    "independent": "independent: each session one modality",
}
SIMULATED_SENTENCE = (
    "The readers are simulated: an ideal observer of the phantom's truth, with noise. No person has read these images, "
    "and nothing here says how a radiologist would do. It shows that plan, store, analysis and report work."
)


def modality_label(modality: str) -> str:
    """Return what people read of a modality."""
    return MODALITY_LABELS.get(modality, modality.replace("_", " "))


def kind(modality: str) -> str:
    """Return the mark of a modality in a plot."""
    return KIND_OF.get(modality, "real")


def headline(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return question, short answer, its explanation, and what the reader study cannot tell.

    Args:
        metrics: of ``metrics.json``.
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
        meant = "those readers alone" if question["readers"] == "fixed" else "readers like these"
        limits = f"{limits} They hold for {meant}, who knew that they took part in a study."
    return {"question": asked, "short": short, "why": why, "limits": limits}
