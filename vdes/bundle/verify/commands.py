"""The commands that a bundle's card and the heads of its configs give."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

from vdes.bundle.bundle import Bundle
from vdes.errors import InputError

CARD = "docs/README.md"


@dataclass(frozen=True)
class Program:
    """The program ``vdes`` as far as its commands are checked; the command line hands itself over.

    Attributes:
        complaint: returns what is wrong with the words behind ``vdes``, or None.
        options: of all of its commands, as they are spelt.
    """

    complaint: Callable[[Sequence[str]], str | None]
    options: Set[str]


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        where: file and line.
        words: its words, as a shell reads them.
    """

    where: str
    words: tuple[str, ...]

    @property
    def monai(self) -> str | None:
        """The command of ``monai.bundle`` that it gives, or None if it is another program's."""
        for i in range(len(self.words) - 2):
            if self.words[i : i + 2] == ("-m", "monai.bundle"):
                return self.words[i + 2]
        return None

    @property
    def options(self) -> dict[str, str]:
        """Its options and their values; an empty value where there is none, or several."""
        found: dict[str, str] = {}
        start = self.words.index("monai.bundle") + 2 if self.monai else 0
        words = self.words[start:]
        for i, word in enumerate(words):
            if word.startswith("--"):
                name, _, value = word[2:].partition("=")
                following = words[i + 1] if i + 1 < len(words) else "--"
                found[name] = value or ("" if following.startswith("--") else following)
        return found

    def __str__(self) -> str:
        """Return it as one line of a shell."""
        return shlex.join(self.words)


def commands(bundle: Bundle) -> list[Command]:
    """Return the commands of the card's fenced blocks and of the comments at the heads of the configs.

    Raises:
        InputError: a quotation is not closed; the message names the line.
    """
    return [*_of_card(bundle), *_of_configs(bundle)]


def _of_card(bundle: Bundle) -> Iterator[Command]:
    if CARD not in bundle.files:
        return
    inside, lines = False, []
    for number, line in enumerate(bundle.text(CARD).splitlines(), start=1):
        if line.startswith("```"):
            inside = not inside
        elif inside:
            lines.append((number, line))
    yield from joined(CARD, lines)


def _of_configs(bundle: Bundle) -> Iterator[Command]:
    for config in bundle.configs:
        lines, wanted = [], False
        for number, line in enumerate(bundle.text(config).splitlines(), start=1):
            comment = re.fullmatch(r"#\s*(.*)", line)
            if comment is None:
                break  # after the head
            wanted = wanted or comment[1].startswith(("python ", "torchrun ", "vdes "))
            if wanted:
                lines.append((number, comment[1]))
                wanted = line.endswith("\\")
        yield from joined(config, lines)


def joined(file: str, lines: list[tuple[int, str]]) -> Iterator[Command]:
    """Join numbered lines that end in a backslash, and split them into words.

    Raises:
        InputError: a quotation is not closed; the message names the line.
    """
    text, start = "", 0
    for number, line in lines:
        start = start if text else number
        text += line.strip()
        if text.endswith("\\"):
            text = text[:-1]
            continue
        if text.strip() and not text.startswith("#"):
            try:
                yield Command(f"{file}:{start}", tuple(shlex.split(text)))
            except ValueError as error:
                raise InputError(f"{file}:{start}: {text}: {error}") from error
        text = ""
