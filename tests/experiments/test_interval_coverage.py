from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vdes.errors import InputError
from vdes.experiments import interval_coverage
from vdes.experiments.interval_coverage import covered, write_coverage
from vdes.experiments.settings import IntervalCoverage
from vdes.statistics.classification_metrics import METRICS


@pytest.mark.parametrize("level", ["examination", "breast", "image"])
def test_most_intervals_hold_the_truth(level: str) -> None:
    rows = {(row["metric"], row["statistic"]): row for row in covered(level, 80, 12, 0)}
    assert set(rows) == {(metric, what) for metric in METRICS for what in ("value", "difference")}
    for name in ("f1", "auc", "sensitivity", "specificity", "accuracy"):
        assert rows[name, "difference"]["covered"] >= 9 and rows[name, "difference"]["undefined"] == 0


def test_the_same_seed_gives_the_same_studies() -> None:
    assert covered("breast", 30, 3, 1) == covered("breast", 30, 3, 1)


@pytest.mark.slow
def test_the_results_are_written_with_their_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interval_coverage, "PATIENTS", (30,))
    settings = IntervalCoverage(tmp_path / "new" / "coverage.json", studies=2, jobs=1)
    found = write_coverage(settings)
    assert json.loads(settings.output.read_text(encoding="utf-8")) == found
    assert "| ECE | difference |" in settings.output.with_suffix(".md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"coverage.json: exists already; pass --overwrite"):
        write_coverage(settings)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"studies": 0}, "--studies: expected 1 or more, got 0"),
        ({"seed": -1}, "--seed: expected 0 or more, got -1"),
        ({"output": Path("a.md")}, "--output: expected a name that ends in .json, got a.md"),
    ],
)
def test_bad_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        IntervalCoverage(**{"output": Path("a.json"), **wrong})
