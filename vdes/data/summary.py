"""What a datalist holds, as text for the console."""

from __future__ import annotations

import pandas as pd

from vdes.data.datalist import SECTIONS, Datalist
from vdes.data.vocabulary import PATHOLOGIES

SHOWN = 5  # names that a line shows


def section_table(datalist: Datalist) -> pd.DataFrame:
    """Count patients, items, complete pairs, lesion masks and pathologies of each split and of all.

    Args:
        datalist: the datalist; its files need not exist.

    Returns:
        A row for each split and ``all``; columns ``patients``, ``items``, ``pairs``, ``with masks`` (items with at
        least one), then the pathologies and, where there are any, ``unknown``.
    """
    rows = [
        {
            "split": section,
            "patient": item["patient"],
            "pair": item["low_energy"] is not None and item["des"] is not None,
            "masked": item["lesion_mask"] is not None or item["des_lesion_mask"] is not None,
            "pathology": item["pathology"] or "unknown",
        }
        for section in SECTIONS
        for item in datalist.fields[section]
    ]
    table = pd.DataFrame(rows, columns=["split", "patient", "pair", "masked", "pathology"])
    everything = pd.concat([table, table.assign(split="all")])
    groups = everything.groupby("split")
    counts = pd.DataFrame(
        {
            "patients": groups["patient"].nunique(),
            "items": groups.size(),
            "pairs": groups["pair"].sum(),
            "with masks": groups["masked"].sum(),
        }
    )
    classes = pd.crosstab(everything["split"], everything["pathology"])
    columns = [*PATHOLOGIES, *(["unknown"] if "unknown" in classes else [])]
    counts = counts.join(classes.reindex(columns=columns, fill_value=0))
    return counts.reindex([*SECTIONS, "all"], fill_value=0).astype(int)


def summary(datalist: Datalist) -> str:
    """Return the table of `section_table`, then the datalist's own report of what was left out and noted.

    Args:
        datalist: the datalist; its ``report``, where there is one, has the lists ``left_out`` and ``notes`` of
            entries with ``what``, ``count`` and ``names``.
    """
    lines = [section_table(datalist).rename_axis(None).to_string()]
    report = datalist.fields.get("report", {})
    for title, entries in (("left out", report.get("left_out")), ("noted", report.get("notes"))):
        for entry in entries or ():
            names = ", ".join(entry["names"][:SHOWN]) + (", ..." if entry["count"] > SHOWN else "")
            lines.append(f"{title}: {entry['count']} {entry['what']}: {names}")
    return "\n".join(lines)
