"""The lines that the checks answer with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """What a check has to say.

    Attributes:
        where: the file, with the line where there is one, relative to the bundle.
        what: what is wrong and what was expected, or a figure.
        good: a figure and nothing wrong.
        stops: so wrong that nothing of the bundle may be run.
    """

    where: str
    what: str
    good: bool = False
    stops: bool = False

    def __str__(self) -> str:
        """Return it in one line."""
        return " ".join(f"{self.where}: {self.what}".split())
