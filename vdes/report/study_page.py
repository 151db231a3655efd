"""The page of a study: what its templates are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from matplotlib.colors import to_hex

from vdes.metrics.difference_colours import DIFFERENCE_COLOURS
from vdes.report import study_words
from vdes.report.case_cards import CaseCard, difference_kinds, picture_kinds
from vdes.report.fidelity_rows import enhancement_table, fidelity_tables, lesion_table
from vdes.report.forest_plot import KINDS, Forest, forests
from vdes.report.page_environment import content_policy, page_environment, png_uri, source
from vdes.report.study_figures import StudyFigure
from vdes.report.study_files import StudyFiles
from vdes.report.study_rows import comparison_rows, oracle_rows
from vdes.report.value_axis import ValueAxis, value_axis
from vdes.statistics.paired_tests import PAIRED_TESTS
from vdes.study.unknown_origin import unknown_origin

TEMPLATE, STYLE, SCRIPT = "study.html", "study.css", "study.js"
REGION = "region"
SEEN_WORDS = {"low_energy": "low energy", "des": "DES", "both": "low energy and DES"}


def study_page(
    study: StudyFiles,
    comparisons: Sequence[Mapping[str, Any]],
    plots: Sequence[Forest],
    figures: Sequence[tuple[StudyFigure, bytes]],
    cards: Sequence[CaseCard],
) -> str:
    """Return a study's report as one self-contained HTML page that fetches nothing.

    All text from the study is escaped. The content security policy allows only the page's own script, style and
    pictures.

    Args:
        study: the study's files.
        comparisons: `vdes.report.study_rows.comparison_rows` of all levels.
        plots: their `vdes.report.forest_plot.forests`.
        figures: each with the bytes of its PNG file.
        cards: the cases with their pictures.

    """
    environment = _environment()
    metrics = study.metrics
    arms = {arm["arm"]: arm for arm in metrics["arms"]}
    style, script = source(environment, STYLE), source(environment, SCRIPT)
    kinds, differences = picture_kinds(study.generators), difference_kinds(study.generators)
    regions = _regions(metrics["regions"], metrics["arms"])
    oracle = oracle_rows(metrics["oracle"] or [], comparisons, metrics["arms"])
    return environment.get_template(TEMPLATE).render(
        **metrics,
        labels=study.labels,
        generators=study.generators,
        headline=_headline(study, arms),
        answer_axis=_answer_axis(metrics),
        kinds=KINDS,
        kind_of={name: study_words.kind(arm) for name, arm in arms.items()},
        comparisons=comparisons,
        plots=plots,
        figures=[(figure, png_uri(content)) for figure, content in figures],
        fidelity_tables=fidelity_tables(metrics["fidelity"], study.generators),
        lesion_table=lesion_table(metrics["lesions"], study.generators),
        enhancement_table=enhancement_table(metrics["enhancement"], study.generators),
        oracle_rows=oracle,
        oracle_axis=_axis_of_values([row["value"] for row in oracle], [row["ceiling"] for row in oracle]),
        subgroup_rows=comparison_rows(metrics["subgroups"], ["variable", "group", "level"]),
        region_study=regions,
        reader_study=study.readers,
        readers_axis=_readers_axis(study.readers),
        cards=cards,
        first_card=next((card.number for card in cards if card.case["outline"]), cards[0].number if cards else None),
        n_cases=len(study.cases),
        card_of={card.case["case"]: card.number for card in cards},
        picture_kinds=kinds,
        first_virtual=next((kind for kind in kinds if kind in differences), "low_energy"),
        difference_kinds=differences,
        difference_stops=_stops(),
        style=Markup(style),
        script=Markup(script),
        policy=content_policy(style, script),
    )


def _environment() -> Environment:
    environment = page_environment("vdes.report")
    for helper in (metric_names, word_names, values_of, wrong_arms):
        environment.globals[helper.__name__] = helper
    environment.globals |= {
        "test_names": {name: test.label for name, test in PAIRED_TESTS.items()},
        "seen_words": SEEN_WORDS,
    }
    return environment


def metric_names(rows: Iterable[Any]) -> dict[str, str]:
    """Return the usual names of the metrics of rows or forests."""
    metrics = (row.metric if isinstance(row, Forest) else row["metric"] for row in rows)
    return {metric: study_words.metric_label(metric) for metric in metrics}


def word_names(rows: Iterable[Mapping[str, Any]], field: str) -> dict[str, str]:
    """Return the values of a field as words."""
    return {row[field]: study_words.words(row[field]) for row in rows}


def values_of(cards: Iterable[CaseCard], field: str) -> list[str]:
    """Return the values of a field of the cases, sorted."""
    found: set[str] = set()
    for card in cards:
        value = card.case[field]
        found.update(value if isinstance(value, list) else [] if value is None else [str(value)])
    return sorted(found)


def wrong_arms(cards: Iterable[CaseCard]) -> list[str]:
    """Return the arms that are wrong on at least one case."""
    return list(dict.fromkeys(arm for card in cards for arm in card.wrong))


def _headline(study: StudyFiles, arms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the question, the short answer with its explanation, and the limits of the study."""
    question, answer, data = (study.metrics[key] for key in ("question", "answer", "data"))
    arm, reference = arms.get(question["arm"]), arms.get(question["reference"])
    if arm is None or reference is None:
        asked = study_words.plain_question(
            *(study.labels.get(question[key], question[key]) for key in ("arm", "reference"))
        )
    else:
        asked = study_words.question_words(arm, reference)
    if answer is None:
        short, why = "No answer", "One of the two arms has no result."
    else:
        short, why = study_words.verdict_words(answer["verdict"], question["margin"], question["confidence"])
    plain = study_words.plain_words(
        study.labels.get(question["arm"], question["arm"]),
        study.labels.get(question["reference"], question["reference"]),
        study_words.metric_label(question["metric"]),
        question["level"],
        question["margin"],
        None if answer is None else answer["verdict"],
        bool(data.get("phantom")),
    )
    limits = study_words.PHANTOM_SENTENCE if data.get("phantom") else study_words.DATA_SENTENCE
    doubt = unknown_origin(study.metrics["provenance"])
    return {"plain": plain, "question": asked, "short": short, "why": why, "doubt": doubt, "limits": limits}


def _answer_axis(metrics: Mapping[str, Any]) -> ValueAxis | None:
    if metrics["answer"] is None:
        return None
    difference, margin = metrics["answer"]["difference"], metrics["question"]["margin"]
    return value_axis([difference["value"], difference["low"], difference["high"], 0.0, -1.6 * margin, margin])


def _axis_of_values(rows: Sequence[Mapping[str, Any]], more: Sequence[float | None]) -> ValueAxis | None:
    if not rows:
        return None
    return value_axis([row[key] for row in rows for key in ("value", "low", "high")] + [*more, 0.5, 1.0])


def _readers_axis(readers: Mapping[str, Any] | None) -> ValueAxis | None:
    if readers is None:
        return None
    differences = [row["difference"][key] for row in readers["rows"] for key in ("value", "low", "high")]
    return value_axis([*differences, 0.0, -readers["margin"]])


def _regions(regions: Mapping[str, Any] | None, arms: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the region study's rows and forests, as if region were a level."""
    if not regions or not regions.get("classification"):
        return None
    named = {
        key: [{**row, "level": REGION} for row in regions.get(key) or ()]
        for key in ("classification", "verdicts", "tests")
    }
    rows = comparison_rows(named["classification"], ["level"], named["verdicts"], named["tests"])
    return {"rows": rows, "plots": forests(rows, [*arms, *(regions.get("arms") or ())])}


def _stops() -> list[tuple[int, str]]:
    """Return positions, in per cent, and colours of the difference map's scale."""
    return [(place, to_hex(DIFFERENCE_COLOURS(place / 100))) for place in range(0, 101, 10)]
