"""The page of `vdes.experiments.verdict_rates`, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vdes.experiments.known_scores import AUC, MALIGNANT, SPECIFICITY, WITHIN
from vdes.experiments.verdict_tests import COVERAGE, ERROR, LEVEL, RATES, missed
from vdes.report.study_words import metric_label
from vdes.statistics.bootstrap import tail_of
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table
from vdes.statistics.monte_carlo import share
from vdes.study.binormal_scores import CASES
from vdes.study.question import Question

ALL = "all metrics and levels"
PAGE = """# How often verdicts are wrong

<!-- written by vdes experiment verdicts; do not edit -->

A verdict of [a study](../how-to/read_the_report.md) comes from a {coverage} interval of the difference between an arm
and its reference, so an arm that is worse by exactly the margin should be called non-inferior in at most {error} of
studies, and inferior in at most {error}. Here {total:,} studies were simulated from scores whose truth is known, and
judged by the functions that judge real studies. {undefined:,} of them had no defined interval.

## What was found

{verdict}

{summary}

Shares of the simulated studies over all numbers of patients and both correlations, with exact 95 % Monte Carlo
intervals. Nominal are at most {error} for the first two, of an arm that is worse by exactly the margin, and at least
{coverage} for the third, over all true differences. **Bold**: misses its nominal rate (exact one-sided binomial test,
p below {level:g} with Holm's correction over the {rates} rates of the first row, and over those of the other rows). The
first row pools all rows: every metric, level and setting has simulated studies of its own, so none is counted twice,
and the test needs no correction for clusters. A rate that is not shown to miss may still do so: its interval says by
how much.

![Errors, coverage and power by number of patients]({picture})

## How it was simulated

- {share} of the patients are malignant, each independently. By examination, a patient has one score; by image,
  {cases} images, {malignant} of them malignant in a malignant patient.
- Scores are normal within a class. The reference has an AUC of {auc}. Both arms have a specificity of {specificity}.
  The arm's scores of malignant cases are shifted until the metric in question differs by the
  true difference.
- Scores of two arms of one case correlate by the stated correlation within a class, those of two images of one patient
  by {within}. Both are our choice, not measured.
- Each setting has {studies:,} studies with {resamples:,} bootstrap samples each, margin {margin}, seed {seed}. So few
  samples alone raise an error rate of {error} to about {raised}; the {usual:,} of a real study to {raised_usual}.
- No network is involved: errors of training, thresholds or labels are not in these figures.

<!-- not run: takes minutes; tests/experiments/test_verdict_rates.py -->
```bash
vdes experiment verdicts --output {output} --studies {studies} --resamples {resamples} --seed {seed}
```

## All settings

Shares of the studies in per cent, by the true difference. *Power* is the share of non-inferior where the arms are
alike. A share of {error} has a Monte Carlo standard error of {error_of_error:.1f} percentage points here, one of
{coverage} of {error_of_coverage:.1f}, one of 50 % of {error_of_half:.1f}.

{details}
"""


def page(found: Mapping[str, Any], output: Path) -> str:
    """Return the page.

    Args:
        found: what `vdes.experiments.verdict_rates.write_rates` wrote.
        output: the file that it wrote it to.
    """
    rows, margin, studies = found["rates"], found["margin"], found["studies"]
    cases, malignant = CASES["image"]
    usual = Question("arm").n_resamples
    return PAGE.format(
        **{name: found[name] for name in ("studies", "resamples", "seed", "margin")},
        total=studies * len(rows),
        error=f"{100 * ERROR:g} %",
        coverage=f"{100 * COVERAGE:g} %",
        verdict=_verdict(rows, margin),
        summary=_summary(rows, margin),
        undefined=sum(row["undefined"] for row in rows),
        level=LEVEL,
        rates=len(RATES),
        usual=usual,
        raised=f"{100 * tail_of(found['resamples']):.2f} %",
        raised_usual=f"{100 * tail_of(usual):.2f} %",
        picture=output.with_suffix(".png").name,
        share=f"{100 * MALIGNANT:.0f} %",
        cases=cases,
        malignant=malignant,
        auc=AUC,
        specificity=SPECIFICITY,
        within=WITHIN,
        output=output.as_posix(),
        error_of_error=_standard_error(ERROR, studies),
        error_of_coverage=_standard_error(COVERAGE, studies),
        error_of_half=_standard_error(0.5, studies),
        details=_details(rows, margin),
    )


def _standard_error(rate: float, studies: int) -> float:
    """Return the standard error of a share of studies in percentage points."""
    return 100.0 * (rate * (1 - rate) / studies) ** 0.5


def _verdict(rows: Sequence[Mapping[str, Any]], margin: float) -> str:
    """Return which rates are missed, pooled as in the summary and by number of patients."""
    lines = []
    for told, by in (
        ("Over all settings", []),
        ("Over all numbers of patients", ["level", "metric"]),
        ("By number of patients", ["level", "metric", "patients"]),
    ):
        table = missed(rows, by, margin)
        lost = table[table["missed"]]
        lines.append(f"{told}, {len(lost)} of {len(table)} rates miss their nominal value{':' if len(lost) else '.'}")
        lines.append("")
        for row in lost.to_dict("records"):
            where = f"{metric_label(row['metric'])} by {row['level']}" if "metric" in row else ALL
            where += f", {row['patients']} patients" if "patients" in row else ""
            found = interval_text(*share(row["count"], row["studies"]))
            lines.append(f"- {where}: {row['rate']}: {found}, nominal {row['nominal']:g}")
        lines += [""] if len(lost) else []
    return "\n".join(lines).rstrip()


def _summary(rows: Sequence[Mapping[str, Any]], margin: float) -> str:
    lines: dict[str, list[str]] = {}
    for by in ([], ["level", "metric"]):
        for row in missed(rows, by, margin).to_dict("records"):
            name = f"{metric_label(row['metric'])} by {row['level']}" if by else ALL
            cell = interval_text(*share(row["count"], row["studies"]))
            lines.setdefault(name, []).append(f"**{cell}**" if row["missed"] else cell)
    header = ["difference in", *(rate.label for rate in RATES)]
    return markdown_table(header, [[name, *cells] for name, cells in lines.items()])


def _details(rows: Sequence[Mapping[str, Any]], margin: float) -> str:
    """Return a row for each level, metric, correlation and number of patients."""
    table = pd.DataFrame(list(rows))
    differences = sorted(table["difference"].unique(), reverse=True)
    named = {difference: "alike" if difference == 0 else f"{difference:+g}" for difference in differences}
    shown = [("non_inferior", difference) for difference in differences]
    shown += [("inferior", difference) for difference in differences]
    shown += [("covered", difference) for difference in differences]
    words = {"non_inferior": "non-inferior", "inferior": "inferior", "covered": "coverage"}
    header = ["difference in", "correlation", "patients"]
    header += [
        "power" if (counted, difference) == ("non_inferior", 0) else f"{words[counted]}, {named[difference]}"
        for counted, difference in shown
    ]
    lines = []
    for names, group in table.groupby(["level", "metric", "correlation", "patients"], sort=False):
        level, metric, correlation, patients = names
        by_difference = group.set_index("difference")
        cells = [
            f"{100 * by_difference.loc[difference, counted] / by_difference.loc[difference, 'studies']:.1f}"
            for counted, difference in shown
        ]
        lines.append([f"{metric_label(str(metric))} by {level}", f"{correlation:g}", str(patients), *cells])
    return markdown_table(header, lines)
