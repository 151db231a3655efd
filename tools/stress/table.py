"""Write the tables of docs/reference/faults.md from the counts in docs/results/faults.

PYTHONPATH=tools python -m stress.table
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vdes.data.staging import staged
from vdes.statistics.markdown_table import markdown_table

DOCS = Path(__file__).resolve().parents[2] / "docs"
COUNTS, PAGE = DOCS / "results" / "faults", DOCS / "reference" / "faults.md"
KILLS = ("job", "kills", "equal", "half-written", "left over")
CLOCKS = ("job", "clocks set back", "equal", "half-written", "left over")
DAMAGES = ("job", "damages", "equal", "left over")
FULL = ("job", "sizes", "one line", "completed", "half-written", "left over", "equal")
INPUTS = ("job", "changes", "from the old", "from the new", "one line", "half-written")


def tables(found: Sequence[dict[str, Any]]) -> str:
    """Return the counts of the other tools as Markdown, with every fault in its words."""
    parts = []
    for columns in (KILLS, CLOCKS, DAMAGES, FULL, INPUTS):
        rows = [[str(one[column]) for column in columns] for one in found if columns[1] in one]
        parts += [markdown_table(columns, rows)] if rows else []
    faults = [f"- {one['job']}: {fault}" for one in found for fault in one["faults"]]
    return "\n\n".join([*parts, "\n".join(faults) or "No job ended with another result or without success."])


def page_with(page: str, content: str) -> str:
    """Return a page with other content between its two marks."""
    marks = "<!-- faults -->\n", "\n<!-- /faults -->"
    return re.sub(f"{marks[0]}.*{marks[1]}", lambda _: content.join(marks), page, flags=re.DOTALL)


def main() -> None:
    """Write the page."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(COUNTS.glob("*.json"))]
    text = page_with(PAGE.read_text(encoding="utf-8"), tables(found))
    with staged([PAGE], overwrite=True) as stages:
        stages[PAGE].write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
