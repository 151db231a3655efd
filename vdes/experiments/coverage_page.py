"""The page of `vdes.experiments.interval_coverage`, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import scipy.stats
from statsmodels.stats.multitest import multipletests

from vdes.experiments.verdict_tests import COVERAGE, LEVEL
from vdes.report.study_words import metric_label
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table
from vdes.statistics.monte_carlo import share

PAGE = """# How often intervals hold the truth

<!-- written by vdes experiment coverage; do not edit -->

The report of [a study](../how-to/read_the_report.md) prints a 95 % interval of every metric of an arm, and of its
difference from its reference. Here studies were simulated from [known scores](verdicts.md#how-it-was-simulated) of two
arms that differ, at each level of cases and with {patients} patients, {studies:,} of each, and got their intervals from
the function that gives them to real studies.

{table}

Share of the intervals that hold the true value, over all numbers of patients, with its exact 95 % Monte Carlo
interval. Nominal is {nominal:.0%}. **Bold**: less (exact one-sided binomial test, p below {level:g} with Holm's
correction over all {tests} rows and levels, of which {missed} are bold).

Each has {resamples:,} bootstrap samples, at a level whose bounds are passed as often as those of a real study. An
expected calibration error (ECE) is too large with few cases in its bins, and so is the interval of its value: compare
arms by its difference.

<!-- not run: takes minutes; tests/experiments/test_interval_coverage.py -->
```bash
vdes experiment coverage --output {output} --studies {studies} --seed {seed}
```
"""


def page(found: Mapping[str, Any], output: Path) -> str:
    """Return the page.

    Args:
        found: what `vdes.experiments.interval_coverage.write_coverage` wrote.
        output: the file that it wrote it to.
    """
    table = pd.DataFrame(found["rows"])
    by = ["metric", "statistic", "level"]
    pooled = table.groupby(by, sort=False)[["covered", "studies"]].sum()
    tests = [scipy.stats.binomtest(*counts, COVERAGE, alternative="less").pvalue for counts in pooled.to_numpy()]
    missed = multipletests(tests, alpha=LEVEL, method="holm")[0]
    cells: dict[tuple[str, str], list[str]] = {}
    for (metric, statistic, _), counts, lost in zip(pooled.index, pooled.to_numpy(), missed, strict=True):
        text = interval_text(*share(*counts), ".1%")
        cells.setdefault((metric, statistic), []).append(f"**{text}**" if lost else text)
    levels = [f"by {level}" for level in table["level"].unique()]
    lines = [[metric_label(metric), statistic, *row] for (metric, statistic), row in cells.items()]
    return PAGE.format(
        patients=" and ".join(str(number) for number in table["patients"].unique()),
        studies=found["studies"],
        table=markdown_table(["metric", "interval of the", *levels], lines),
        nominal=COVERAGE,
        resamples=found["resamples"],
        level=LEVEL,
        tests=len(missed),
        missed=int(missed.sum()),
        output=output.as_posix(),
        seed=found["seed"],
    )
