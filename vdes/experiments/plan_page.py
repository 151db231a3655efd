"""The page of `vdes.experiments.plan_advice`, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vdes.report.study_words import metric_label
from vdes.statistics.bootstrap import Interval
from vdes.statistics.interval_text import interval_text
from vdes.statistics.markdown_table import markdown_table
from vdes.statistics.monte_carlo import share

PAGE = """# How good the advice of a plan is

<!-- written by vdes experiment plans; do not edit -->

`vdes study --plan` says [how many patients a study needs](../how-to/run_a_study.md#how-many-patients-do-i-need). Here
its advice is compared with the number that is needed in truth, for arms that are alike in patients with
[known scores](verdicts.md#how-it-was-simulated).

{table}

- *Needed in truth*: the number of patients that gives the power, with its 95 % Monte Carlo interval, from {truth:,}
  simulated studies of each of two sizes around it, with random numbers of their own.
- *Advised*: the smallest and the largest of the plans of {seeds} seeds, each with {studies:,} studies of a number that
  is checked. They spread by {spread:.0%} at most.
- *Advised from pilots*: likewise from {seeds} pilots of {pilot} patients each, with `--difference 0` and {fewer:,}
  studies. A pilot knows little of how often two arms disagree, and the advice inherits that.
- *False "non-inferior"*: the share of {studies:,} studies of the advised number (the median) that call an arm
  non-inferior that is worse by exactly the margin, with its 95 % interval. Nominal is at most 2.5 %.

## What a study itself says

An inconclusive study states how many patients would be needed for a power of 80 %, from its own standard error and
difference. Of {studies:,} studies with half as many patients as needed in truth:

{stated}

Half of the stated numbers lie below the median, a tenth below and a tenth above the range. The number takes the
difference of the study for the true one if it is a loss, and studies of unlucky differences are those that end
inconclusive. So plan with `vdes study --plan`, not with that number.

## How it was simulated

{assumed}

<!-- not run: takes minutes; tests/experiments/test_plan_advice.py -->
```bash
vdes experiment plans --output {output} --studies {studies} --seeds {seeds}
```
"""


def page(found: Mapping[str, Any], output: Path) -> str:
    """Return the page.

    Args:
        found: what `vdes.experiments.plan_advice.write_advice` wrote.
        output: the file that it wrote it to.
    """
    rows, said, assumed = [], [], []
    for one in found["scenarios"]:
        name = f"{metric_label(one['metric'])} by {one['level']}, margin {one['margin']:g}"
        for row in one["needed"]:
            wrong = interval_text(*share(row["false"], found["studies"]), ".1%")
            truth = interval_text(*Interval(**row["truth"]), ",.0f")
            rows.append([name, f"{row['power']:.0%}", truth, _range(row["advised"]), _range(row["pilots"]), wrong])
        said.append(_stated(name, one))
        assumed.append(
            f"- {name}: {metric_label(one['metric'])} {one['value']:g} and specificity {one['specificity']:g} in both "
            f"arms, correlation {one['correlation']:g}"
        )
    header = ["study", "power", "needed in truth", "advised", "advised from pilots", "false “non-inferior”"]
    return PAGE.format(
        **{name: found[name] for name in ("studies", "seeds", "pilot", "truth", "fewer")},
        table=markdown_table(header, rows),
        spread=max(_spread(row["advised"]) for one in found["scenarios"] for row in one["needed"]),
        stated=markdown_table(["study", "patients", "needed in truth", "stated, median", "10 % to 90 %"], said),
        assumed="\n".join(assumed),
        output=output.as_posix(),
    )


def _stated(name: str, scenario: Mapping[str, Any]) -> list[str]:
    found, truth = scenario["stated"], scenario["needed"][0]["truth"]["value"]
    if found["median"] is None:
        return [name, str(found["patients"]), f"{truth:,.0f}", "none", ""]
    shown = f"{found['low']:,.0f} to {found['high']:,.0f}"
    return [name, str(found["patients"]), f"{truth:,.0f}", f"{found['median']:,.0f}", shown]


def _range(numbers: list[int]) -> str:
    return f"{min(numbers):,} to {max(numbers):,}"


def _spread(numbers: list[int]) -> float:
    return max(numbers) / min(numbers) - 1
