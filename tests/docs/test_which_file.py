"""The page that names the file for each task names files that are there, and a test for each."""

from __future__ import annotations

import re

import pytest
from pages import PROJECT

PAGE = PROJECT / "docs" / "how-to" / "which_file.md"
TASKS = {
    title: text for title, _, text in (part.partition("\n") for part in PAGE.read_text().split("\n## ")[1:])
}  # by their headings
PATH = re.compile(r"`((?:bundles|docs|tests|tools|vdes)/[\w/.-]*)`")
# entries that the page tells to edit, by the file that has them
ENTRIES = {
    "vdes/metrics/fidelity.py": ("FIDELITY", "CONTRAST"),
    "vdes/statistics/classification_metrics.py": ("METRICS",),
    "vdes/study/contents.py": ("CONTENTS",),
}


def test_ten_tasks_have_a_place() -> None:
    assert len(TASKS) == 10


@pytest.mark.parametrize("task", TASKS)
def test_the_files_of_a_task_exist_and_one_is_a_test(task: str) -> None:
    named = PATH.findall(TASKS[task])
    assert [path for path in named if not (PROJECT / path).exists()] == []
    assert [path for path in named if path.startswith("tests/")], "no test"
    assert [path for path in named if not path.startswith("tests/")], "no file"


@pytest.mark.parametrize("file", ENTRIES)
def test_the_entries_to_edit_are_in_their_files(file: str) -> None:
    text = (PROJECT / file).read_text()
    for entry in ENTRIES[file]:
        assert f"`{entry}`" in PAGE.read_text()
        assert re.search(rf"^{entry}\b.* = {{$", text, re.MULTILINE), entry
