"""Keep a study's figures in the study bundle's docs, and fill the tables of its card and of the project's pages.

Writes docs/results/study_NAME.json (the question, its answer, the figures of all arms, fidelity, the ceiling on
phantoms and the provenance) and docs/forest_NAME.png. Then it fills the pages as `vdes.experiments.card` does: the
bundle's card and, in a clone, docs/results/study.md and the README.

    bash tools/study.sh runs/study
    vdes experiment card bundles/breast_cesm_real_vs_virtual_des --study runs/study --name phantom
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.experiments.card import fill

WHOLE = (
    "data",
    "question",
    "answer",
    "arms",
    "left_out",
    "failed",
    "verdicts",
    "tests",
    "enhancement",
    "oracle",
    "regions",
)
CLASSIFICATION = ("f1", "auc", "sensitivity", "specificity")
FIDELITY = ("psnr_breast", "ssim_breast", "correlation_breast", "lesion_cnr")


def keep(study: Path, name: str, bundle: Path) -> list[Path]:
    """Write the results file and the picture, and fill the bundle's card and, in a clone, the project's pages.

    Args:
        study: folder of a finished study.
        name: name of its data.
        bundle: folder of the study's bundle.

    Returns:
        The pages that were filled.

    Raises:
        InputError: the study is not finished, or a page lacks results.
    """
    metrics = study / "metrics.json"
    if not metrics.is_file():
        raise InputError(f"{metrics}: no such file; expected the folder of a finished study")
    result = reduced(json.loads(metrics.read_text(encoding="utf-8")))
    result["seconds"] = sum(json.loads(step.read_text())["seconds"] for step in (study / "steps").glob("[!.]*.json"))
    target, picture = bundle / "docs" / "results" / f"study_{name}.json", bundle / "docs" / f"forest_{name}.png"
    target.parent.mkdir(exist_ok=True)
    forest = study / "figures" / "forest.png"
    with staged([target, picture], overwrite=True) as stages:
        stages[target].write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        if forest.is_file():
            shutil.copy(forest, stages[picture])
    return fill(bundle)


def reduced(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a study's figures to keep, enough for all tables of a card."""
    return {
        **{key: metrics[key] for key in WHOLE},
        "classification": [row for row in metrics["classification"] if row["metric"] in CLASSIFICATION],
        "fidelity": [row for row in metrics["fidelity"] if row["metric"] in FIDELITY],
        **{key: metrics[key] for key in ("lesions",) if key in metrics},  # studies of 0.1.0 have none
        "provenance": metrics["provenance"],
    }
