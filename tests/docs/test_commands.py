"""Every command and example of README, CONTRIBUTING and docs/ runs, or says why it cannot."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pages import PROJECT, Block, blocks, check_unrun, pages, run_page

PAGES = pages()
RUN = [page for page in PAGES if any(block.language in ("bash", "python") for block in blocks(page))]
# how many blocks each reason may excuse: one more is a decision
UNRUN = {
    "installs packages": 3,
    "needs a GPU": 1,
    "needs an account": 1,
    "needs an archive": 2,
    "needs the readers' answers": 1,
    "runs the tests": 2,
    "serves until Ctrl-C": 3,
    "takes hours": 10,
    "takes minutes": 11,
}
NEEDED = {"SimpleITK", "highdicom", "openvino"}  # packages that a block may want; it is passed over without them


def test_no_block_is_left_out_without_a_reason() -> None:
    left = [block for page in PAGES for block in blocks(page) if block.reason is not None]
    assert [str(line) for block in left for line in check_unrun(block)] == []
    assert Counter(block.reason for block in left) == UNRUN
    needed = {block.marked("needs") for page in PAGES for block in blocks(page)}
    assert needed - {None} <= NEEDED


def test_commands_stand_in_blocks_that_are_run() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert block.language, f"{block.where}: a block without a language; expected ```bash, ```text, ..."


def test_an_excuse_that_is_none_and_a_command_that_is_not_there_are_found() -> None:
    lines = ((4, "vdes phantom out --patents 3"), (5, "bash tools/no.sh"), (6, "rm -r out"))
    found = [str(line) for line in check_unrun(Block("page.md:3", "bash", lines, "not run: no time; tests/no.py"))]
    assert found[0].startswith("page.md:3: not run: no time; tests/no.py; expected not run: installs packages, ")
    assert found[1] == "page.md:3: tests/no.py: no such test"
    assert found[2] == "page.md:4: Unknown option: --patents. Did you mean --patients? See vdes phantom --help"
    assert found[3] == "page.md:5: tools/no.sh: no such script in the project"
    assert found[4].startswith("page.md:6: rm: expected bash, python, vdes")


def test_a_page_whose_command_fails_is_named_by_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n<!-- file: a.txt -->\n```text\nP1_L_DM_CC.jpg\n```\n"
        "```bash\nvdes audit a.txt a.txt\nvdes audit b.txt\n```\n"
        "<!-- exit status: 2 -->\n```bash\nvdes audit \\\n  b.txt\n```\n"
        "```python\nassert open('a.txt').read() == 'P1_L_DM_CC.jpg\\n'\nraise SystemExit(3)\n```\n"
    )
    folder = tmp_path / "clone"
    folder.mkdir()
    found = [str(line) for line in run_page(page, folder)]
    assert [line.split(", expected")[0] for line in found] == [
        "page.md:7: ended with exit status 2",
        "page.md:8: ended with exit status 2",
        "page.md:15: ended with exit status 3",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=[str(page.relative_to(PROJECT)) for page in RUN])
def test_a_page_runs_from_top_to_bottom(page: Path, readers_folder: Path) -> None:
    assert [str(line) for line in run_page(page, readers_folder)] == []
    lacking = [f"{block.where} needs {block.lacks}" for block in blocks(page) if block.lacks]
    if lacking:
        pytest.skip(f"all but what lacks a package has run: {', '.join(lacking)}")
