"""Fill a bundle's model card: evaluate the shipped weights, draw the picture sheet, write the tables.

Writes docs/results/fidelity_<name>.json and docs/fidelity_sheet_<name>.png, and the tables between the marks
``<!-- fidelity:<name> -->`` and ``<!-- runs:<name> -->`` of docs/README.md. The sheet shows the evaluated images
themselves; that of CDD-CESM is not kept in the repository. Without --datalist the tables alone are written again, from
the results files that are there.

    python tools/model_card.py bundles/breast_cesm_virtual_des_unet --datalist datalist.json
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from bundle_process import run_workflow

from vdes.errors import InputError
from vdes.report.fidelity_table import all_tables

RUN_METRICS = {"psnr_breast": "breast PSNR (dB)", "ssim_breast": "breast SSIM", "correlation_breast": "correlation"}


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("--datalist", type=Path, help="datalist whose test section is evaluated")
    parser.add_argument("--name", default="model", help="the weights are models/NAME.pt (default: model)")
    parser.add_argument("--height", type=int, default=512, help="working size of the weights (default: 512)")
    arguments = parser.parse_args()
    try:
        if arguments.datalist is not None:
            evaluate(arguments.bundle, arguments.datalist, arguments.name, arguments.height)
        card = arguments.bundle / "docs" / "README.md"
        card.write_text(filled(card.read_text(encoding="utf-8"), arguments.bundle), encoding="utf-8")
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {card}")
    return 0


def evaluate(bundle: Path, datalist: Path, name: str, height: int) -> None:
    """Evaluate the shipped weights and keep the summary and the picture sheet in the bundle's docs."""
    results = bundle / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "test"
        settings = {"ckpt_path": bundle / "models" / f"{name}.pt", "height": height}
        run_workflow(bundle, ["train", "evaluate"], datalist, output, settings)
        shutil.copy(output / "fidelity.json", results / f"fidelity_{name}.json")
        shutil.copy(output / "fidelity_sheet.png", bundle / "docs" / f"fidelity_sheet_{name}.png")


def filled(card: str, bundle: Path) -> str:
    """Return a model card with its marked tables written from the bundle's results files.

    Raises:
        InputError: a mark has no results file.
    """

    def table(match: re.Match[str]) -> str:
        kind, name = match["kind"], match["name"]
        file = bundle / "docs" / "results" / f"{kind}_{name}.json"
        if not file.is_file():
            raise InputError(f"{file}: no such file; the model card's mark {kind}:{name} needs it")
        text = WRITERS[kind](json.loads(file.read_text(encoding="utf-8")))
        return f"<!-- {kind}:{name} -->\n{text}\n<!-- /{kind}:{name} -->"

    pattern = r"<!-- (?P<kind>fidelity|runs):(?P<name>\w+) -->\n.*?<!-- /(?P=kind):(?P=name) -->"
    return re.sub(pattern, table, card, flags=re.DOTALL)


def fidelity_tables(result: dict[str, Any]) -> str:
    """Return the fidelity tables of one evaluation, with what was evaluated."""
    source = result["provenance"]
    summary = pd.DataFrame(result["summary"])
    header = (
        f"Data: {source['data']}, section {source['section']} (split: {source['split']['method']}, "
        f"seed {source['split']['seed']}); weights sha256 {source['weights_sha256'][:12]}; data range "
        f"{result['data_range']:g}; constant level {result['constant_level']:.3f}."
    )
    return f"{header}\n\n{all_tables(summary)}"


def runs_table(result: dict[str, Any]) -> str:
    """Return the table of all runs and of the arms' means with their intervals."""
    knob = result["knob"].replace("_", " ")
    head = [knob, "seed", "validation PSNR (dB)", *RUN_METRICS.values(), "correlation, training patients"]
    lines = [head, ["---"] * len(head)]
    for run in result["runs"]:
        figures = [run["validation"]["psnr_breast"], *(run["test"][metric] for metric in RUN_METRICS)]
        figures.append(run["training"]["correlation_breast"])
        lines.append([run["arm"], str(run["seed"]), *(f"{figure:.3f}" for figure in figures)])
    arms = pd.DataFrame(result["arms"])
    for (arm, minus), rows in arms.groupby(["arm", "minus"], sort=False):
        cells = rows.set_index("metric")
        name = f"{arm}, mean of seeds" + (f", minus {minus}" if minus else "")
        form = "+.3f" if minus else ".3f"
        values = [cells.loc[metric, ["value", "low", "high"]].astype(float) for metric in RUN_METRICS]
        figures = [
            "-" if v.isna().any() else f"{v['value']:{form}} ({v['low']:{form}} to {v['high']:{form}})" for v in values
        ]
        lines.append([name, "", "", *figures, ""])
    shipped = result["shipped"]
    chosen = f"Shipped: {shipped['arm']}, seed {shipped['seed']}, chosen by {shipped['chosen_by']}."
    return "\n".join([*("| " + " | ".join(line) + " |" for line in lines), "", chosen])


WRITERS = {"fidelity": fidelity_tables, "runs": runs_table}

if __name__ == "__main__":
    sys.exit(main())
