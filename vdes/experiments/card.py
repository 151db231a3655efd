"""Fill a bundle's model card and its page of results: evaluate a generator's shipped weights, and write the tables.

Evaluation writes docs/results/fidelity_<name>.json and docs/fidelity_sheet_<name>.png. The sheet shows the evaluated
images themselves, so that of CDD-CESM is not kept in the repository. The tables stand between marks and come from the
results files of the bundle:

- ``<!-- fidelity:<name> -->``, ``<!-- runs:<name> -->`` and so on: the full tables, from the file of that kind and
  name;
- ``<!-- performance:<name> -->``: the short table of a card;
- ``<!-- arms -->`` and ``<!-- answers -->``: the short tables over all studies of the bundle.

They are filled in the card and, in a clone, in the pages of docs/results that are about the bundle and, for studies, in
the README. Without a datalist the tables alone are written again.

    vdes experiment card bundles/breast_cesm_virtual_des_unet --datalist datalist.json
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from vdes.bundle.process import run_workflow
from vdes.data.staging import staged
from vdes.errors import InputError
from vdes.experiments.card_tables import WRITERS
from vdes.experiments.short_tables import OF_STUDIES, PERFORMANCE

CARD = Path("docs", "README.md")
MARK = re.compile(
    rf"<!-- (?P<mark>(?P<kind>{'|'.join(WRITERS)}|performance):(?P<name>\w+)|(?P<whole>{'|'.join(OF_STUDIES)})) -->\n"
    r".*?<!-- /(?P=mark) -->",
    flags=re.DOTALL,
)


def fill(bundle: Path) -> list[Path]:
    """Write the marked tables of a bundle's card and of the project's pages about it, as `filled` does.

    Returns:
        The pages that were filled.

    Raises:
        InputError: there is no card, or a mark has no results file.
    """
    if not (bundle / CARD).is_file():
        raise InputError(f"{bundle / CARD}: no such file; expected a model card")
    texts = {page: filled(page.read_text(encoding="utf-8"), bundle) for page in pages(bundle)}
    with staged(list(texts), overwrite=True) as stages:
        for page, text in texts.items():
            stages[page].write_text(text, encoding="utf-8")
    return list(texts)


def pages(bundle: Path) -> list[Path]:
    """Return the pages that a bundle's results fill: its card and, in a clone, the project's pages about it.

    A page of docs/results is about the bundle that its line ``<!-- results of NAME -->`` names. The README has the
    answers of the bundle that holds studies.
    """
    project = bundle.resolve().parents[1]
    about = f"<!-- results of {bundle.resolve().name} -->"
    found = [bundle / CARD]
    found += [
        page
        for page in sorted((project / "docs" / "results").glob("*.md"))
        if about in page.read_text(encoding="utf-8").splitlines()
    ]
    readme = project / "README.md"
    if readme.is_file() and any((bundle / "docs" / "results").glob("study_*.json")):
        found.append(readme)
    return found


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


def filled(page: str, bundle: Path) -> str:
    """Return the text of a page with its marked tables written from the bundle's results files.

    Raises:
        InputError: a mark has no results file.
    """
    results = bundle / "docs" / "results"

    def table(match: re.Match[str]) -> str:
        mark = match["mark"]
        if match["whole"]:
            text = OF_STUDIES[match["whole"]](_studies(results))
        elif match["kind"] == "performance":
            text = _performance(results, match["name"])
        else:
            text = WRITERS[match["kind"]](_content(results / f"{match['kind']}_{match['name']}.json", mark))
        return f"<!-- {mark} -->\n{text}\n<!-- /{mark} -->"

    return MARK.sub(table, page)


def _performance(results: Path, name: str) -> str:
    for kind, writer in PERFORMANCE.items():
        if (results / f"{kind}_{name}.json").is_file():
            return writer(_content(results / f"{kind}_{name}.json", f"performance:{name}"))
    expected = " or ".join(f"{kind}_{name}.json" for kind in PERFORMANCE)
    raise InputError(f"{results}: no results for the mark performance:{name}; expected {expected}")


def _studies(results: Path) -> list[dict[str, Any]]:
    files = sorted(results.glob("study_*.json"))
    if not files:
        raise InputError(f"{results}: no results of a study; expected study_NAME.json")
    contents = [_content(file, "study") for file in files]
    return sorted(contents, key=lambda content: not content["data"].get("phantom"))  # phantoms first


def _content(file: Path, mark: str) -> dict[str, Any]:
    if not file.is_file():
        raise InputError(f"{file}: no such file; the mark {mark} needs it")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content
