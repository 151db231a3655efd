from __future__ import annotations

import json
from pathlib import Path

from vdes.experiments.coverage_page import page

ROOT = Path(__file__).parents[2]
RESULTS = Path("docs") / "results" / "coverage.json"


def test_the_page_is_that_of_the_results() -> None:
    found = json.loads((ROOT / RESULTS).read_text(encoding="utf-8"))
    assert page(found, RESULTS) == (ROOT / RESULTS).with_suffix(".md").read_text(encoding="utf-8")
