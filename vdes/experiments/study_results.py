"""Keep a study's figures in the study bundle's docs, and write its tables into the bundle's card and the README.

Writes docs/results/study_NAME.json (the question, its answer, the arms' figures, fidelity, the ceiling of phantoms and
what all rests on) and docs/forest_NAME.png, and fills the marks ``<!-- study:NAME -->`` of the bundle's docs/README.md
and of the repository's README.md.

    bash tools/study.sh runs/study
    python vdes/experiments/study_results.py runs/study --name phantom
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.experiments.card import filled

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "bundles" / "breast_cesm_real_vs_virtual_des"
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


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="folder of a finished study")
    parser.add_argument("--name", default="phantom", help="of its data (default: phantom)")
    arguments = parser.parse_args()
    try:
        keep(arguments.study, arguments.name)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def keep(study: Path, name: str) -> None:
    """Write the results file and the picture, and fill the cards."""
    metrics = study / "metrics.json"
    if not metrics.is_file():
        raise InputError(f"{metrics}: no such file; expected the folder of a finished study")
    result = reduced(json.loads(metrics.read_text(encoding="utf-8")))
    result["seconds"] = sum(json.loads(step.read_text())["seconds"] for step in (study / "steps").glob("*.json"))
    target, picture = BUNDLE / "docs" / "results" / f"study_{name}.json", BUNDLE / "docs" / f"forest_{name}.png"
    target.parent.mkdir(exist_ok=True)
    forest = study / "figures" / "forest.png"
    with staged([target, picture], overwrite=True) as stages:
        stages[target].write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        if forest.is_file():
            shutil.copy(forest, stages[picture])
    for card in (BUNDLE / "docs" / "README.md", ROOT / "README.md"):
        text = filled(card.read_text(encoding="utf-8"), BUNDLE)
        with staged([card], overwrite=True) as stages:
            stages[card].write_text(text, encoding="utf-8")
        print(f"wrote {card.relative_to(ROOT)}")


def reduced(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a study's figures: enough for every table of a card."""
    return {
        **{key: metrics[key] for key in WHOLE},
        "classification": [row for row in metrics["classification"] if row["metric"] in CLASSIFICATION],
        "fidelity": [row for row in metrics["fidelity"] if row["metric"] in FIDELITY],
        "provenance": metrics["provenance"],
    }


if __name__ == "__main__":
    sys.exit(main())
