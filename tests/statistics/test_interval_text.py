from __future__ import annotations

import math

import pytest

from vdes.statistics.interval_text import interval_text


def test_the_bounds_stand_in_brackets():
    assert interval_text(0.81234, 0.75, 0.9) == "0.812 (0.750 to 0.900)"
    assert interval_text(0.05, -0.1, 0.2, "+.2f") == "+0.05 (-0.10 to +0.20)"
    assert interval_text(0.5, 0.25, 0.75, lambda number: f"{100 * number:g} %") == "50 % (25 % to 75 %)"
    assert interval_text(0.5, 0.4, 0.6, note="; 12 cases") == "0.500 (0.400 to 0.600; 12 cases)"


@pytest.mark.parametrize("bound", [None, math.nan])
def test_without_bounds_the_value_stands_alone(bound):
    assert interval_text(0.81234, bound, bound) == "0.812"
    assert interval_text(None, bound, bound, lambda number: "?" if number is None else str(number)) == "?"
