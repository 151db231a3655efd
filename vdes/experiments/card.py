"""Fill a bundle's model card: evaluate a generator's shipped weights, draw the picture sheet, write the tables.

Writes docs/results/fidelity_<name>.json and docs/fidelity_sheet_<name>.png, and the tables between the marks
``<!-- fidelity:<name> -->``, ``<!-- runs:<name> -->`` and so on of docs/README.md, each from the results file of its
name. The sheet shows the evaluated images themselves; that of CDD-CESM is not kept in the repository. Without a
datalist the tables alone are written again, from the results files that are there.

    vdes experiment card bundles/breast_cesm_virtual_des_unet --datalist datalist.json
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

from vdes.bundle.process import run_workflow
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.experiments.card_tables import WRITERS

CARD = Path("docs", "README.md")


def fill(card: Path, bundle: Path) -> None:
    """Write the marked tables of a page from the results files of a bundle, as `filled` does.

    Raises:
        InputError: there is no such page, or a mark has no results file.
    """
    if not card.is_file():
        raise InputError(f"{card}: no such file; expected a model card")
    text = filled(card.read_text(encoding="utf-8"), bundle)
    with staged([card], overwrite=True) as stages:
        stages[card].write_text(text, encoding="utf-8")


def evaluate(bundle: Path, datalist: Path, name: str, height: int | None) -> None:
    """Evaluate the shipped weights and keep the summary and the picture sheet in the bundle's docs."""
    results = bundle / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    runs = results / f"runs_{name}.json"
    if height is None:
        if not runs.is_file():
            raise InputError(f"{runs}: no such file, which states the working size; pass --height")
        height = json.loads(runs.read_text(encoding="utf-8"))["height"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "test"
        settings = {"ckpt_path": bundle / "models" / f"{name}.pt", "height": height}
        run_workflow(bundle, ["train", "evaluate"], datalist, output, settings)
        result, sheet = results / f"fidelity_{name}.json", bundle / "docs" / f"fidelity_sheet_{name}.png"
        with staged([result, sheet], overwrite=True) as stages:
            shutil.copy(output / "fidelity.json", stages[result])
            shutil.copy(output / "fidelity_sheet.png", stages[sheet])


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

    pattern = rf"<!-- (?P<kind>{'|'.join(WRITERS)}):(?P<name>\w+) -->\n.*?<!-- /(?P=kind):(?P=name) -->"
    return re.sub(pattern, table, card, flags=re.DOTALL)
