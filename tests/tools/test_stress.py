from __future__ import annotations

import json
from pathlib import Path

import pytest
from stress.damage import WAYS
from stress.jobs import JOBS, half_written, leftovers
from stress.kills import killed
from stress.table import COUNTS, PAGE, page_with, tables

from vdes.data.stage_folder import PARTIAL


@pytest.mark.slow
def test_a_killed_phantom_job_is_finished_with_the_same_bytes(tmp_path: Path) -> None:
    found = killed("phantom", 1, 3, tmp_path)
    assert found["faults"] == []
    assert [found[name] for name in ("kills", "equal", "half-written", "left over")] == [1, 1, 0, 0]


def test_half_written_files_and_leftovers_are_seen(tmp_path: Path) -> None:
    whole = {"a.json": b"{}", "b.csv": b"x\n"}
    cut = {"c.json": b"{", "d.csv": b"x\ny", "e.png": b"\x89PNG\r\n", "f.pt": b"PK"}
    for name, content in {**whole, **cut}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / f".g.json.x{PARTIAL}").mkdir()
    (tmp_path / f".g.json.x{PARTIAL}" / "g.json").write_bytes(b"{")
    assert [file.name for file in half_written(tmp_path)] == list(cut)
    assert [file.name for file in leftovers(tmp_path)] == [f".g.json.x{PARTIAL}"]


def test_every_way_of_damage_changes_the_content() -> None:
    content = bytes(range(1, 100))
    assert all(change(content) != content for change in WAYS.values() if change is not None)


def test_the_tables_tell_each_count_and_each_fault() -> None:
    kills = {"job": "study", "kills": 4, "equal": 3, "half-written": 0, "left over": 1, "faults": ["after 2.00 s: x"]}
    text = tables([kills, {"job": "study", "damages": 9, "equal": 9, "left over": 0, "faults": []}])
    assert (
        "| study | 4 | 3 | 0 | 1 |" in text and "| study | 9 | 9 | 0 |" in text and "- study: after 2.00 s: x" in text
    )
    assert page_with("a\n<!-- faults -->\nold\n<!-- /faults -->\nb", "new") == (
        "a\n<!-- faults -->\nnew\n<!-- /faults -->\nb"
    )


def test_the_page_holds_the_stored_counts() -> None:
    found = [json.loads(file.read_text()) for file in sorted(COUNTS.glob("*.json"))]
    assert tables(found) in PAGE.read_text()
    assert {one["job"] for one in found} <= set(JOBS)
