from __future__ import annotations

from itertools import pairwise

import pytest

from vdes.report.value_axis import value_axis


def test_the_axis_holds_all_values_and_places_them_linearly():
    axis = value_axis([-0.33, None, 0.07, float("nan"), -0.05])
    assert axis.low < -0.33 and axis.high > 0.07
    assert axis.at(axis.low) == 0 and axis.at(axis.high) == 100
    assert axis.at((axis.low + axis.high) / 2) == 50
    assert axis.at(-9) == 0 and axis.at(9) == 100


@pytest.mark.parametrize(
    ("values", "step", "digits"),
    [((-0.33, 0.07), 0.1, 1), ((-0.02, 0.03), 0.02, 2), ((-4, 11), 5, 0), ((0.5, 1.0), 0.2, 1)],
)
def test_ticks_are_round_and_inside(values, step, digits):
    axis = value_axis(values)
    steps = {round(b - a, 9) for a, b in pairwise(axis.ticks)}
    assert len(axis.ticks) >= 3 and len(steps) == 1
    assert steps.pop() == pytest.approx(step)
    assert axis.low <= axis.ticks[0] and axis.ticks[-1] <= axis.high
    assert axis.digits == digits
    assert len({f"{tick:.{axis.digits}f}" for tick in axis.ticks}) == len(axis.ticks)


def test_quarter_steps_keep_their_last_decimal():
    axis = value_axis([0.0, 0.1])
    assert [f"{tick:.{axis.digits}f}" for tick in axis.ticks] == ["0.000", "0.025", "0.050", "0.075", "0.100"]
