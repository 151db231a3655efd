"""The lines that the checks return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A finding or a figure of a check.

    Attributes:
        where: the file, with the line number if there is one, relative to the bundle.
        what: what is wrong and what was expected, or a figure.
        good: whether it is a figure and not a finding.
        stops: whether nothing of the bundle may be run because of it.
    """

    where: str
    what: str
    good: bool = False
    stops: bool = False

    def __str__(self) -> str:
        """Return it in one line."""
        return " ".join(f"{self.where}: {self.what}".split())
