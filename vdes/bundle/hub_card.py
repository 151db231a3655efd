"""The card of a bundle as a hub shows it: docs/README.md under metadata in YAML.

The metadata follow https://huggingface.co/docs/hub/model-cards: licence, library, task, tags, metrics and results. All
of it is taken from the bundle: configs/metadata.json, LICENSE and docs/results. CDD-CESM is no data set of the hub, so
it is named by the results alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.commands import CARD
from vdes.statistics.classification_metrics import METRICS

RESULTS = "docs/results/"
TAGS = ("monai", "medical", "mammography", "contrast-enhanced mammography")
LICENCES = {"Apache License": "apache-2.0"}  # by the words in LICENSE, the hub's name
TASKS = {"image": "image-to-image"}  # by the type of the network's output
CLASSIFICATION = "image-classification"
# the hub's name of a metric, by the name in the files of results, with what it is called here
FIDELITY = {"psnr_breast": ("psnr", "PSNR in the breast (dB)"), "ssim_breast": ("ssim", "SSIM in the breast")}
INPUTS = {"low_energy": "low energy", "des": "DES", "both": "low energy and DES"}
BY_LEVEL = {"auc": "roc_auc", "f1": "f1"}


def hub_card(bundle: Bundle) -> str:
    """Return the card with its metadata, with links that lead from the bundle's folder."""
    output = bundle.metadata["network_data_format"]["outputs"]["pred"]["type"]
    task = TASKS.get(output, CLASSIFICATION)
    results = list(_results(bundle, task))
    metrics = dict.fromkeys(figure["type"] for result in results for figure in result["metrics"])
    licence = bundle.text("LICENSE")
    head = {
        "license": next((name for words, name in LICENCES.items() if words in licence), "other"),
        "library_name": "monai",
        "pipeline_tag": task,
        "tags": list(TAGS),
        **({"metrics": list(metrics)} if metrics else {}),
        **({"model-index": [{"name": bundle.name, "results": results}]} if results else {}),
    }
    card = re.sub(r"\]\((?!\w+://|#|/)", "](docs/", bundle.text(CARD))
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n{card}"


def _results(bundle: Bundle, task: str) -> Iterator[dict[str, Any]]:
    """Yield results as an index of models wants them: of studies, or else of models/model.pt."""
    stems = [name.removeprefix(RESULTS).removesuffix(".json") for name in bundle.files if name.startswith(RESULTS)]
    studies = [stem for stem in stems if stem.startswith("study_")]
    for stem in studies or [stem for stem in stems if stem in ("fidelity_model", "classification_model")]:
        content = json.loads(bundle.text(f"{RESULTS}{stem}.json"))
        for test in content["test"].values() if stem == "classification_model" else [content]:
            name, section = _data(test)
            yield {
                "task": {"type": task, "name": bundle.metadata["task"]},
                "dataset": {"type": _slug(name), "name": name, "split": section},
                "metrics": list(_study(test) if stem in studies else _model(test)),
            }


def _data(test: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name of the data and their section."""
    if "question" in test:
        return test["data"]["name"], test["data"]["section"]
    return test["provenance"]["data"], test["provenance"]["section"]


def _study(study: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the metric of a study's question, with virtual DES and with the real images."""
    question, answer = study["question"], study["answer"]
    labels = {arm["arm"]: arm["label"] for arm in study["arms"]}
    metric = question["metric"]
    for role in ("arm", "reference"):
        name = f"{METRICS[metric].label} by {question['level']}, {labels[question[role]]}"
        yield _figure(BY_LEVEL[metric], name, answer[role], question["confidence"])


def _model(test: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the figures of a generator, or of a classifier with one kind of inputs."""
    for row in test["summary"]:
        metric, level = row["metric"], test["interval"]["level"]
        if metric in FIDELITY and row["method"] == "virtual_des" and row["statistic"] == "mean":
            kind, name = FIDELITY[metric]
            yield _figure(kind, name, row, level)
        elif metric in BY_LEVEL:
            name = f"{METRICS[metric].label} by {row['level']}, {INPUTS[test['provenance']['inputs']]}"
            yield _figure(BY_LEVEL[metric], name, row, level)


def _figure(kind: str, name: str, row: Mapping[str, Any], level: float) -> dict[str, Any]:
    interval = f"{100 * level:g} % interval {row['low']:.3g} to {row['high']:.3g}"
    return {"type": kind, "value": round(row["value"], 4), "name": f"{name}; {interval}"}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
