"""Write the tables of docs/reference/versions.md from docs/results/versions.json.

PYTHONPATH=tools python -m matrix.table
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.version import Version

from vdes.data.staging import staged
from vdes.statistics.markdown_table import markdown_table

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS, PAGE = DOCS / "results" / "versions.json", DOCS / "reference" / "versions.md"
SHOWN = {"python": "Python", "torch": "torch", "monai": "MONAI", "numpy": "NumPy"}


def tables(found: Mapping[str, Any]) -> str:
    """Return the rows of `matrix.versions` as Markdown: each run, then the versions of each package that passed."""
    columns = ["archive", "installed", *SHOWN.values(), "largest difference", "passed"]
    rows: list[list[str]] = []
    passed: dict[str, list[Version]] = {}
    for one in found["rows"]:
        installed = one.get("versions", {})
        apart = f"{one['difference']:.2g}" if "difference" in one else one["reason"]
        versions = [installed.get(name, "-") for name in SHOWN]
        kind = one["environment"].partition(",")[0]
        rows.append([one["bundle"], kind, *versions, apart, "yes" if one["passed"] else "**no**"])
        for name, version in installed.items() if one["passed"] else ():
            passed.setdefault(name, []).append(Version(version))
    seen = [[name, str(min(versions)), str(max(versions))] for name, versions in sorted(passed.items())]
    return f"{markdown_table(columns, rows)}\n\n{markdown_table(('package', 'oldest', 'newest'), seen)}"


def page_with(page: str, content: str) -> str:
    """Return a page with other content between its two marks."""
    marks = "<!-- versions -->\n", "\n<!-- /versions -->"
    return re.sub(f"{marks[0]}.*{marks[1]}", lambda _: content.join(marks), page, flags=re.DOTALL)


def main() -> None:
    """Write the page."""
    content = tables(json.loads(ROWS.read_text(encoding="utf-8")))
    text = page_with(PAGE.read_text(encoding="utf-8"), content)
    with staged([PAGE], overwrite=True) as stages:
        stages[PAGE].write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
