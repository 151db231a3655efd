from __future__ import annotations

import numpy as np

from vdes.report.power_plot import power_figure

CHECK = {"value": 0.81, "low": 0.78, "high": 0.84}
FITTED = {"value": 58.0, "low": 55.0, "high": 61.0}
FOUND = {
    "needed": [
        {"power": 0.8, "patients": 60, "fitted": FITTED, "check": CHECK},
        {"power": 0.9, "patients": None, "fitted": FITTED, "check": None},
    ],
    "simulated": [
        {"patients": 50, "non_inferior": 70, "studies": 100},
        {"patients": 60, "non_inferior": 81, "studies": 100},
    ],
}


def test_all_sizes_the_advised_ones_and_the_powers_are_drawn() -> None:
    (axis,) = power_figure(FOUND).axes
    simulated, advised = axis.containers
    np.testing.assert_allclose(simulated.lines[0].get_xydata(), [[50, 0.7], [60, 0.81]])
    np.testing.assert_allclose(advised.lines[0].get_xydata(), [[60, 0.81]])
    levels = {line.get_ydata()[0] for line in axis.lines if line.get_linestyle() == ":"}
    assert levels == {0.8, 0.9}


def test_a_plan_without_an_advised_number_is_drawn() -> None:
    (axis,) = power_figure({**FOUND, "needed": FOUND["needed"][1:]}).axes
    assert axis.get_legend() is not None
