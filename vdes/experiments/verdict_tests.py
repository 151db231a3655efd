"""Do simulated studies keep the nominal rates of their verdicts and intervals?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import scipy.stats
from statsmodels.stats.multitest import multipletests

ERROR, COVERAGE = 0.025, 0.95  # nominal: of a false verdict at most, of the interval at least
LEVEL = 0.05  # of the tests of a table, with Holm's correction


@dataclass(frozen=True)
class Rate:
    """A rate with a nominal value.

    Attributes:
        label: what happened.
        counted: column of `vdes.experiments.verdict_rates.rates`.
        nominal: `ERROR` or `COVERAGE`.
    """

    label: str
    counted: str
    nominal: float


RATES = (
    Rate("“non-inferior”, worse by the margin", "non_inferior", ERROR),
    Rate("“inferior”, worse by the margin", "inferior", ERROR),
    Rate("interval holds the truth", "covered", COVERAGE),
)


def missed(rows: Sequence[Mapping[str, Any]], by: Sequence[str], margin: float) -> pd.DataFrame:
    """Test the rates of groups of settings against their nominal rates.

    A false verdict may not be more frequent than `ERROR` where the arm is worse by exactly the margin, where false
    verdicts of both kinds are most frequent, nor a covered truth less frequent than `COVERAGE` anywhere: exact
    one-sided binomial tests, with Holm's correction over all tests of the call.

    Args:
        rows: of `vdes.experiments.verdict_rates.rates`.
        by: columns that make a group, whose settings are pooled; some setting of each is worse by the margin. Without a
            column all settings are pooled. Each setting has simulated studies of its own, so that all are independent.
        margin: of non-inferiority.

    Returns:
        A row per group and rate: the columns of ``by``, ``rate`` (its label), ``nominal``, ``count``, ``studies``,
        ``p`` (corrected) and ``missed``.
    """
    tests = []
    table = pd.DataFrame(list(rows))
    for names, group in table.groupby(list(by), sort=False) if by else [((), table)]:
        for rate in RATES:
            chosen = group if rate.nominal == COVERAGE else group[group["difference"] == -margin]
            count, studies = int(chosen[rate.counted].sum()), int(chosen["studies"].sum())
            side = "greater" if rate.nominal == ERROR else "less"
            p_value = scipy.stats.binomtest(count, studies, rate.nominal, alternative=side).pvalue
            named = dict(zip(by, names, strict=True))
            tests.append(
                {**named, "rate": rate.label, "nominal": rate.nominal, "count": count, "studies": studies, "p": p_value}
            )
    found = pd.DataFrame(tests)
    lost, corrected, _, _ = multipletests(found["p"], alpha=LEVEL, method="holm")
    return found.assign(p=corrected, missed=lost)
