"""A table of texts as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
from tabulate import DataRow, Line, TableFormat

ROW = DataRow("| ", " | ", " |")


def _rule(widths: Sequence[int], _aligns: Sequence[str]) -> str:
    return f"| {' | '.join('---' for _ in widths)} |"


def _format(below_header: object) -> TableFormat:
    return TableFormat(None, below_header, None, None, ROW, ROW, 0, None)


# tabulate's own formats pad every cell, which makes a wide table in a model card twice as long
ALIGNED, COMPACT = _format(Line("| ", "-", " | ", " |")), _format(_rule)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], aligned: bool = False) -> str:
    """Return a table of texts as Markdown.

    Args:
        header: names of the columns.
        rows: rows with as many cells.
        aligned: pad the cells, for a table that is readable on a console.

    Example:
        >>> print(markdown_table(["", "AUC"], [["low energy", "0.571"]]))
        |  | AUC |
        | --- | --- |
        | low energy | 0.571 |

    """
    table = pd.DataFrame(list(rows), columns=list(header), dtype=str)
    return table.to_markdown(
        index=False,
        tablefmt=ALIGNED if aligned else COMPACT,
        disable_numparse=True,
        stralign="left" if aligned else None,
    )
