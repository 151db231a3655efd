"""The forest plot of a study: each arm's difference to its reference, with its interval and the margin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from vdes.report.study_words import interval, kind, metric_label
from vdes.report.value_axis import ValueAxis, value_axis
from vdes.statistics.classification_metrics import MORE_IS_BETTER

KINDS = {
    "virtual": "virtual DES in the place of real DES",
    "retrained": "the same, classifier retrained on such images",
    "real": "other real images",
    "control": "controls",
}
# a colour of Okabe and Ito, "Color universal design", 2008, and a shape each
STYLES = {
    "virtual": ("#0072B2", "o"),
    "retrained": ("#009E73", "D"),
    "real": ("#333333", "^"),
    "control": ("#A34700", "s"),
}
INK, GRID, BEYOND = "#333333", "#dddddd", "#f3e3da"
WIDTH_INCHES, ROW_INCHES, FRAME_INCHES, DPI = 9.0, 0.3, 1.5, 150


@dataclass(frozen=True)
class Forest:
    """The rows of one plot, by kind of arm, on one axis.

    Attributes:
        level: image, breast or examination.
        metric: whose differences they are.
        groups: rows of `vdes.report.study_rows.comparison_rows` by the kinds in `KINDS`.
        margins: the differences beyond which a loss is too large: none, one, or two where either sign is a loss.
        axis: that holds all intervals and margins.
    """

    level: str
    metric: str
    groups: Mapping[str, Sequence[Mapping[str, Any]]]
    margins: tuple[float, ...]
    axis: ValueAxis


def forests(comparisons: Iterable[Mapping[str, Any]], arms: Iterable[Mapping[str, Any]]) -> list[Forest]:
    """Return a forest for each level and metric that has differences.

    Args:
        comparisons: rows of `vdes.report.study_rows.comparison_rows`; those without a difference are left out.
        arms: of ``metrics.json``.

    """
    kinds = {arm["arm"]: kind(arm) for arm in arms}
    plots: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in comparisons:
        if row["difference"] is not None and row["difference"]["value"] is not None:
            plots.setdefault((row["level"], row["metric"]), []).append(row)
    return [_forest(level, metric, rows, kinds) for (level, metric), rows in plots.items()]


def _forest(level: str, metric: str, rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, str]) -> Forest:
    groups = {name: [row for row in rows if kinds.get(row["arm"], "real") == name] for name in KINDS}
    margin = next((row["margin"] for row in rows if row["margin"] is not None), None)
    margins: tuple[float, ...] = ()
    if margin is not None:
        margins = (-margin,) if metric in MORE_IS_BETTER else (-margin, margin)
    bounds = [row["difference"][key] for row in rows for key in ("value", "low", "high")]
    axis = value_axis([*bounds, *margins, 0.0, 0.01])
    return Forest(level, metric, {name: found for name, found in groups.items() if found}, margins, axis)


def forest_figure(forest: Forest, labels: Mapping[str, str]) -> Figure:
    """Return the picture of a forest.

    A row an arm: its difference to the reference that the row names, with the interval, as a line and as numbers; the
    margin is a dashed line, and what lies beyond it is tinted.

    Args:
        forest: of `forests`.
        labels: what people read, by arm.

    """
    lines = sum(1 + len(rows) for rows in forest.groups.values())
    figure = Figure(figsize=(WIDTH_INCHES, FRAME_INCHES + ROW_INCHES * lines), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    names: dict[int, str] = {}
    line = 0
    for name, rows in forest.groups.items():
        axes.text(0, line, f" {KINDS[name]}", transform=beside, size=9, style="italic", va="center", color=INK)
        line += 1
        colour, marker = STYLES[name]
        for row in rows:
            found = row["difference"]
            if found["low"] is not None:
                axes.plot([found["low"], found["high"]], [line, line], color=colour, linewidth=1.8)
            axes.plot(
                found["value"], line, color=colour, marker=marker, markersize=7, markeredgecolor="white", zorder=3
            )
            axes.text(1.02, line, interval(found, sign=True), transform=beside, size=9, va="center", color=INK)
            names[line] = (
                f"{labels.get(row['arm'], row['arm'])}\nagainst {labels.get(row['reference'], row['reference'])}"
            )
            line += 1
    axes.set(xlim=(forest.axis.low, forest.axis.high), ylim=(line - 0.4, -0.7))
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    _margins(axes, forest)
    axes.set_yticks(list(names), list(names.values()), size=8)
    axes.set_xlabel(f"difference of {metric_label(forest.metric)}, {forest.level} level", size=11)
    axes.tick_params(axis="x", labelsize=9, colors=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _margins(axes: Any, forest: Forest) -> None:
    ends = {-1: forest.axis.low, 1: forest.axis.high}
    for margin in forest.margins:
        axes.axvline(margin, color=STYLES["control"][0], linewidth=1.2, linestyle=(0, (4, 3)))
        axes.axvspan(margin, ends[1 if margin > 0 else -1], color=BEYOND, zorder=0, linewidth=0)
    if forest.margins:
        dashes = Line2D([], [], color=STYLES["control"][0], linewidth=1.2, linestyle=(0, (4, 3)))
        label = f"margin of {abs(forest.margins[0]):g}; beyond it the loss is too large"
        axes.figure.legend(handles=[dashes], labels=[label], loc="outside upper right", fontsize=9, frameon=False)
