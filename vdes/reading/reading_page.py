"""The report page of a reader study: what its templates receive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vdes.reading.accuracy import POSITIVE
from vdes.reading.case_browser import ReadCase
from vdes.reading.crossed import LEAST_READ
from vdes.reading.reading_words import (
    DESIGNS,
    METRIC_LABELS,
    SCALE_LABELS,
    headline,
    kind,
    modality_label,
)
from vdes.report.page_environment import content_policy, page_environment, png_uri, source
from vdes.report.value_axis import value_axis

TEMPLATE = "reading.html"
FEW_READERS = 5  # docs/explanation/reader_statistics.md: with fewer, intervals are too narrow
STYLES, SCRIPTS = ("study.css", "reading.css"), ("study.js", "reading.js")


def reading_page(
    metrics: Mapping[str, Any],
    figures: Mapping[str, tuple[str, bytes]],
    cases: Sequence[ReadCase],
    simulated: Mapping[str, Any] | None,
) -> str:
    """Return a reader study's report as one self-contained HTML page.

    Args:
        metrics: the content of ``metrics.json``.
        figures: by kind (roc, froc), the alternative text and the bytes of the PNG file.
        cases: for the case browser; empty for a file of readings.
        simulated: the settings of simulated readers; None for people.
    """
    environment = page_environment("vdes.reading")
    style, script = ("\n".join(source(environment, name) for name in names) for names in (STYLES, SCRIPTS))
    question, answer = metrics["question"], metrics["answer"]
    return environment.get_template(TEMPLATE).render(
        **metrics,
        headline=headline(metrics),
        labels={name: modality_label(name) for name in metrics["data"]["modalities"]},
        kind_of={name: kind(name) for name in metrics["data"]["modalities"]},
        metric_labels=METRIC_LABELS,
        scale_labels=SCALE_LABELS,
        designs=DESIGNS,
        answer_axis=_axis(
            [answer["difference"][key] for key in ("value", "low", "high")],
            [0.0, -1.6 * question["margin"], question["margin"]],
        ),
        values=_values(metrics),
        differences=_differences(metrics),
        losses_axis=_losses_axis(metrics),
        feature_table=_feature_table(metrics["features"]),
        figures={name: (words, png_uri(content)) for name, (words, content) in figures.items()},
        cases=cases,
        readers=metrics["data"]["readers"],
        positive=POSITIVE,
        least_read=LEAST_READ,
        few_readers=FEW_READERS,
        simulated=simulated,
        style=Markup(style),
        script=Markup(script),
        policy=content_policy(style, script),
    )


def _values(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per metric with the value of each modality."""
    rows: dict[str, dict[str, Any]] = {}
    for row in metrics["accuracy"]:
        if row["statistic"] == "value":
            rows.setdefault(row["metric"], {})[row["modality"]] = row
    return [{"metric": metric, "values": values} for metric, values in rows.items()]


def _differences(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the differences of each metric, with an axis that covers them."""
    margin, asked = metrics["question"]["margin"], metrics["question"]["metric"]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in metrics["accuracy"]:
        if row["statistic"] == "difference":
            groups.setdefault(row["metric"], []).append(row)
    return [
        {"metric": metric, "rows": rows, "margins": (-margin,) if metric == asked else ()}
        | {
            "axis": _axis(
                [row[key] for row in rows for key in ("value", "low", "high")],
                [0.0, 0.01, -margin if metric == asked else 0],
            )
        }
        for metric, rows in groups.items()
    ]


def _losses_axis(metrics: Mapping[str, Any]) -> Any:
    if not metrics["study"]:
        return None
    rows = [row["difference"] for row in metrics["study"]["rows"]]
    return _axis([row[key] for row in rows for key in ("value", "low", "high")], [0.0, -metrics["question"]["margin"]])


def _feature_table(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per feature and lesion type, with the share of each modality."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["feature"], row["lesion_type"])
        entry = found.setdefault(key, {"feature": row["feature"], "lesion_type": row["lesion_type"], "shares": {}})
        entry["shares"][row["modality"]] = row
    return list(found.values())


def _axis(values: Sequence[float | None], always: Sequence[float]) -> Any:
    return value_axis([*values, *always])
