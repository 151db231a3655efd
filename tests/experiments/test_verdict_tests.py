from __future__ import annotations

from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

from vdes.experiments.verdict_tests import RATES, missed
from vdes.statistics.monte_carlo import share

MARGIN = 0.05


def row(difference: float, **counts: int) -> dict[str, Any]:
    """Return what 1,000 studies found, at nominal rates where nothing else is said."""
    usual = {"non_inferior": 25, "inferior": 25, "covered": 950}
    return {"level": "image", "metric": "f1", "difference": difference, "studies": 1000, **usual, **counts}


def test_the_monte_carlo_interval_is_exact() -> None:
    for count in (0, 3, 100):
        low, high = proportion_confint(count, 100, method="beta")
        found = share(count, 100)
        assert found.value == count / 100
        assert (found.low, found.high) == pytest.approx((low if count else 0, high if count < 100 else 1))


def test_nominal_rates_are_not_missed_whatever_is_found_where_a_verdict_is_right() -> None:
    rows = [row(0.0, non_inferior=900), row(-MARGIN), row(-2 * MARGIN, inferior=800)]
    table = missed(rows, ["level", "metric"], MARGIN)
    assert not table["missed"].any()
    assert dict(zip(table["rate"], table["studies"], strict=True)) == {
        RATES[0].label: 1000,
        RATES[1].label: 1000,
        RATES[2].label: 3000,
    }


@pytest.mark.parametrize(
    ("counts", "label"),
    [
        ({"non_inferior": 50}, RATES[0].label),
        ({"inferior": 50}, RATES[1].label),
        ({"covered": 910}, RATES[2].label),
    ],
)
def test_a_rate_beyond_its_nominal_value_is_missed(counts: dict[str, int], label: str) -> None:
    table = missed([row(-MARGIN, **counts)], ["level", "metric"], MARGIN)
    assert list(table.loc[table["missed"], "rate"]) == [label]


def test_the_side_of_caution_misses_nothing() -> None:
    table = missed([row(-MARGIN, non_inferior=0, inferior=0, covered=1000)], ["level", "metric"], MARGIN)
    assert not table["missed"].any()
