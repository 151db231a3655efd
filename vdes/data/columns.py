"""Find the columns of a table by their names, however these are written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vdes.errors import InputError

ALIKE = 0.8  # the ratio of difflib from which a name is too close to a wanted one to be passed over


def match_columns(path: Path, found: Iterable[str], wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the column for each wanted name, of those that the table has.

    Case, spaces and punctuation make no difference: ``Breast density (ACR)`` is ``breast_density_acr``.

    Args:
        path: the table, for messages.
        found: the names of its columns.
        wanted: other names under which each column is known.

    Returns:
        The name of the column as written, by the wanted name.

    Raises:
        InputError: two columns are for one wanted name, or a column without a known name looks like one that is wanted
            and not there, such as ``pathology result``. A column that is passed over would be a label that is lost.
    """
    known = {_plain(synonym): name for name, synonyms in wanted.items() for synonym in (name, *synonyms)}
    columns: dict[str, str] = {}
    others = []
    for column in found:
        name = known.get(_plain(column))
        if name is None:
            others.append(column)
        elif name in columns:
            raise InputError(f"{path}: columns '{columns[name]}' and '{column}': both are {name}; expected one of them")
        else:
            columns[name] = column
    for column in others:
        name = _looks_like(column, {plain: name for plain, name in known.items() if name not in columns})
        if name is not None:
            raise InputError(
                f"{path}: column '{column}': looks like {name}, but is no known name of it; expected {name}, or a name "
                "that cannot be mistaken for it"
            )
    return columns


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _looks_like(column: str, missing: Mapping[str, str]) -> str | None:
    """Return the missing column that a name contains or is nearly the same as."""
    plain = _plain(column)
    words = {_plain(word) for word in re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column))}
    for synonym, name in missing.items():
        if synonym in words or (len(synonym) > 5 and synonym in plain):
            return name
    close = difflib.get_close_matches(plain, missing, n=1, cutoff=ALIKE)
    return missing[close[0]] if close else None
