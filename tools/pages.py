"""Run the commands and examples on the project's own pages, README and docs/."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from monai.bundle import ConfigParser

from vdes.bundle.verify.card import config_files, of_monai, of_tools, of_vdes
from vdes.bundle.verify.commands import Command, joined
from vdes.bundle.verify.line import Line
from vdes.bundle.verify.phantoms import SETTINGS
from vdes.bundle.verify.run_commands import run, shortened
from vdes.cli.program import program as vdes

PROJECT = Path(__file__).resolve().parents[1]
# why a block is not run, with the place of its test: <!-- not run: takes minutes; tests/study -->
REASONS = (
    "installs packages",
    "needs a GPU",
    "needs an account",
    "needs an archive",
    "needs the readers' answers",
    "runs the tests",
    "serves until Ctrl-C",
    "takes hours",
    "takes minutes",
)
# parts of a clone that the folder in which the commands run contains
CLONE = ("bundles", "tools")
SET_UP = ("pip", "python3", "source", "git")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        where: page and line.
        language: bash, python, or another that is shown but not run.
        lines: its lines, numbered as in the page.
        mark: the comment before it: ``not run: REASON``, ``needs: PACKAGE`` (skipped if that is not installed),
            ``file: NAME``, ``exit status: N``, or nothing.
    """

    where: str
    language: str
    lines: tuple[tuple[int, str], ...]
    mark: str = ""

    @property
    def text(self) -> str:
        """Its content."""
        return "".join(f"{line}\n" for _, line in self.lines)

    @property
    def commands(self) -> list[Command]:
        """The commands of a bash block."""
        return list(joined(self.where.rpartition(":")[0], list(self.lines))) if self.language == "bash" else []

    @property
    def lacks(self) -> str | None:
        """The package that it needs but that is not installed, or None."""
        package = self.marked("needs")
        return package if package and find_spec(package) is None else None

    @property
    def reason(self) -> str | None:
        """Why it is not run, without the place of its test; None if it is run."""
        left = self.marked("not run")
        return left.partition(";")[0] if left is not None else None

    def marked(self, what: str) -> str | None:
        """Return the value of ``what`` in its mark, or None."""
        name, _, value = self.mark.partition(": ")
        return value if name == what else None


def pages(project: Path = PROJECT) -> list[Path]:
    """Return README, CONTRIBUTING and the pages below docs/ that are not generated."""
    written = [page for page in sorted(project.glob("docs/**/*.md")) if "api" not in page.parts]
    return [project / "README.md", project / "CONTRIBUTING.md", *written]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    found, mark, start = [], "", 0
    lines: list[tuple[int, str]] = []
    language: str | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if language is None and line.startswith("```"):
            language, start, lines = line.strip("`").strip(), number, []
        elif language is not None and line.startswith("```"):
            found.append(Block(f"{page.name}:{start}", language, tuple(lines), mark))
            language, mark = None, ""
        elif language is not None:
            lines.append((number, line))
        elif comment := re.fullmatch(r"<!-- ([a-z ]+: .+) -->", line):
            mark = comment[1]
        elif line.strip():
            mark = ""
    return found


def check_unrun(block: Block) -> Iterator[Line]:
    """Yield what is wrong with a block that is not run: an unknown reason, or commands that name missing things."""
    if block.reason not in REASONS:
        yield Line(block.where, f"{block.mark}; expected not run: {', '.join(REASONS)}")
    for place in re.findall(r"tests/[\w/.]+", block.mark):
        if not (PROJECT / place).exists():
            yield Line(block.where, f"{place}: no such test")
    if block.language == "python":
        compile(block.text, block.where, "exec")
    for command in block.commands:
        program = command.words[0]
        if command.monai:
            problems = list(of_monai(PROJECT, command))
        elif program == "vdes":
            problems = list(of_vdes(command, vdes()))
        elif program in ("python", "bash"):
            problems = list(of_tools(command))
        else:
            problems = [] if program in SET_UP else [f"{program}: expected bash, python, vdes or {', '.join(SET_UP)}"]
        for problem in problems:
            yield Line(command.where, problem)


def run_page(page: Path, folder: Path) -> Iterator[Line]:
    """Run the blocks of a page in order, shortened, and yield what fails.

    Args:
        page: a page of the project.
        folder: serves as the reader's clone; it contains the files that the page expects of the reader.
    """
    for name in CLONE:
        if not (folder / name).exists():
            (folder / name).symlink_to(PROJECT / name)
    for block in blocks(page):
        if block.marked("file"):
            (folder / str(block.marked("file"))).write_text(block.text, encoding="utf-8")
        elif block.reason is not None:
            yield from check_unrun(block)
        elif block.lacks:
            continue
        elif block.language == "python":
            yield from _failure(block.where, [sys.executable, "-c", block.text], folder)
        else:
            status = int(block.marked("exit status") or 0)
            for command in block.commands:
                yield from _failure(command.where, _words(command, folder), folder, status)


def _words(command: Command, folder: Path) -> list[str]:
    known: set[str] = set()
    for file in config_files(command):
        known |= ConfigParser.load_config_file(folder / file).keys()
    words = shortened(command, known)
    if command.words[:2] == ("vdes", "phantom"):
        words += [f"--patients={SETTINGS.patients}", f"--seed={SETTINGS.seed}", f"--size={SETTINGS.size}"]
    if command.words[:2] == ("vdes", "study"):
        words += ["--resamples=200", f"--height={SETTINGS.size}"]
    return words


def _failure(where: str, words: list[str], folder: Path, status: int = 0) -> Iterator[Line]:
    done = run(words, folder)
    if done.returncode != status:
        yield Line(where, f"ended with exit status {done.returncode}, expected {status}: {done.stderr[-2000:]}")
