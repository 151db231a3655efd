"""The tables of fidelity and enhancement, of the generators and of the trivial predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vdes.metrics.fidelity import COLUMNS, METHOD_LABELS, TABLES
from vdes.report.study_words import interval, words

REGIONS = {"breast": "inside the breast", "image": "over the whole image", "lesion": "inside the lesion"}
VIRTUAL, MEAN = "virtual_des", "mean"
MINUS_LOW_ENERGY, TO_LOW_ENERGY = "virtual_des_minus_low_energy", "difference_to_low_energy"
LESION_LABELS = {
    "lesion_contrast": "contrast",
    "follows": "follows real DES",
    "false_enhancement_elsewhere": "false enhancement elsewhere",
}


@dataclass(frozen=True)
class WideTable:
    """A table whose rows are methods.

    Attributes:
        caption: its title.
        columns: names of the metrics.
        rows: name of the method, whether it is a generator's, and the cells.
        note: number of cases and patients.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, bool, Sequence[str]]]
    note: str


def fidelity_tables(rows: Iterable[Mapping[str, Any]], generators: Sequence[str]) -> list[WideTable]:
    """Return the means of fidelity for breast, whole image and lesion.

    The generators come first, then the trivial predictions and real DES, listed once if they are the same for all
    generators.

    Args:
        rows: of ``fidelity`` in ``metrics.json``.
        generators: in the order wanted.

    """
    means = _ordered((row for row in rows if row["statistic"] == MEAN), generators)
    tables = []
    for region, metrics in TABLES.items():
        chosen = [row for row in means if row["metric"] in metrics]
        if chosen:
            columns = [metric for metric in metrics if any(row["metric"] == metric for row in chosen)]
            caption = f"Fidelity {REGIONS[region]}"
            tables.append(_wide(caption, columns, [COLUMNS[metric].label for metric in columns], chosen))
    return tables


def lesion_table(rows: Iterable[Mapping[str, Any]], generators: Sequence[str]) -> WideTable | None:
    """Return how lesions are shown; None without rows.

    Args:
        rows: of ``lesions`` in ``metrics.json``.
        generators: in the order wanted.

    """
    rows = list(rows)
    means = _ordered((row for row in rows if row["statistic"] == MEAN), generators)
    gains = _ordered((row for row in rows if row["statistic"] == TO_LOW_ENERGY), generators)
    shown = [*means, *({**row, "method": MINUS_LOW_ENERGY} for row in gains)]
    if not shown:
        return None
    columns = [metric for metric in LESION_LABELS if any(row["metric"] == metric for row in shown)]
    return _wide("How lesions are shown", columns, [LESION_LABELS[metric] for metric in columns], shown, "places")


def enhancement_table(rows: Iterable[Mapping[str, Any]], generators: Sequence[str]) -> WideTable | None:
    """Return enhancement recall and the rate of hallucinations; None without rows.

    Args:
        rows: of ``enhancement`` in ``metrics.json``.
        generators: in the order wanted.

    """
    rows = _ordered(rows, generators)
    if not rows:
        return None
    columns = list(dict.fromkeys(row["metric"] for row in rows))
    names = [words(metric) for metric in columns]
    return _wide("Enhancement", columns, names, rows)


def _ordered(rows: Iterable[Mapping[str, Any]], generators: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the rows sorted by method, then by generator; unknown ones come last."""
    ranks = [{name: rank for rank, name in enumerate(names)} for names in (METHOD_LABELS, generators)]
    return sorted(
        rows,
        key=lambda row: tuple(
            rank.get(row[key], len(rank)) for rank, key in zip(ranks, ("method", "generator"), strict=True)
        ),
    )


def _wide(
    caption: str, columns: Sequence[str], names: Sequence[str], rows: Sequence[Mapping[str, Any]], unit: str = "cases"
) -> WideTable:
    cells: dict[tuple[str, bool], dict[str, dict[str, str]]] = {}
    for row in rows:
        virtual = row["method"] in (VIRTUAL, MINUS_LOW_ENERGY)
        label = METHOD_LABELS.get(VIRTUAL if virtual else row["method"], words(row["method"]))
        if virtual:
            label += f" by {row['generator']}" + (" minus low energy" if row["method"] == MINUS_LOW_ENERGY else "")
        line = cells.setdefault((label, virtual), {})
        digits = COLUMNS[row["metric"]].digits if row["metric"] in COLUMNS else 3
        line.setdefault(row["generator"], {})[row["metric"]] = interval(row, digits)
    lines = []
    for (label, virtual), by_generator in cells.items():
        alike = all(found == next(iter(by_generator.values())) for found in by_generator.values())
        for generator, found in by_generator.items():
            name = label if virtual or alike else f"{label} (cases of {generator})"
            lines.append((name, virtual, [found.get(metric, "–") for metric in columns]))
            if alike:
                break
    counts = {
        metric: max((row["cases"], row["patients"]) for row in rows if row["metric"] == metric) for metric in columns
    }
    parts = dict.fromkeys(f"{cases} {unit} of {patients} patients" for cases, patients in counts.values())
    if len(parts) == 1:
        note = next(iter(parts))
    else:
        note = "; ".join(
            f"{name}: {counts[metric][0]} {unit} of {counts[metric][1]} patients"
            for metric, name in zip(columns, names, strict=True)
        )
    return WideTable(caption, names, lines, note)
