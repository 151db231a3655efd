from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stress.damage import WAYS
from stress.forked import Forked
from stress.full_disk import FULL, complaint
from stress.inputs import CHANGES, outcome
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


def test_what_is_wrong_with_the_end_of_a_job_on_a_full_disk_is_told(tmp_path: Path) -> None:
    told = f"error: {tmp_path}/a.png: cannot be written ({FULL}); free space and run it again"
    assert complaint(2, f"patients: 8\n{told}\n", tmp_path) == ""
    assert complaint(1, told, tmp_path).startswith("exit status 1: error: ")
    assert complaint(2, f"Traceback (most recent call last)\n{told}", tmp_path).startswith("a traceback before: ")
    for last in ("error: run.log: its last lines say why", f"error: cannot be written ({FULL})", ""):
        assert complaint(2, last, tmp_path).startswith("the last line does not name a file")


def test_the_outcome_of_a_changed_input_is_the_old_result_the_new_one_or_a_line(tmp_path: Path) -> None:
    old, new, file = {"a": "1", "b": "1"}, {"a": "2", "b": "2"}, tmp_path / "P1.png"
    assert outcome(0, "", file, lambda: old, old, new) == "from the old"
    assert outcome(0, "", file, lambda: new, old, new) == "from the new"
    assert outcome(0, "", file, lambda: {"a": "1", "b": "2"}, old, new) == "exit status 0, a mixture"
    assert outcome(2, f"error: {file}: was changed", file, lambda: old, old, new) == "one line"
    assert outcome(2, "error: another.png: was changed", file, lambda: old, old, new).startswith("exit status 2: ")
    assert outcome(1, f"error: {file}: was changed", file, lambda: old, old, new).startswith("exit status 1: ")


def test_inputs_are_deleted_cut_or_replaced(tmp_path: Path) -> None:
    file, other = tmp_path / "a.png", tmp_path / "b.png"
    other.write_bytes(b"other")
    for way, left in (("replaced", b"other"), ("cut", b"con"), ("deleted", None)):
        file.write_bytes(b"content")
        CHANGES[way](file, other)
        assert (file.read_bytes() if file.exists() else None) == left
    assert {path.name for path in tmp_path.iterdir()} == {"b.png"}


def test_a_forked_job_is_a_program_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "ends.py").write_text("import os, sys; os.write(2, sys.argv[1].encode()); sys.exit(int(sys.argv[1]))")
    (tmp_path / "fails.py").write_text("1 / 0")
    (tmp_path / "waits.py").write_text("import time; time.sleep(60)")
    sys.path.insert(0, str(tmp_path))
    try:
        assert Forked("ends", ["3"], log).wait() == 3
        assert Forked("fails", [], log).wait() == 1
        waiting = Forked("waits", [], log)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.1)
        os.killpg(waiting.pid, signal.SIGKILL)
        assert waiting.wait() == -signal.SIGKILL
    finally:
        sys.path.remove(str(tmp_path))
    assert log.read_text() == "3"  # pytest has the other's traceback


def test_the_page_holds_the_stored_counts() -> None:
    found = [json.loads(file.read_text()) for file in sorted(COUNTS.glob("*.json"))]
    assert tables(found) in PAGE.read_text()
    assert {one["job"] for one in found} <= set(JOBS)
