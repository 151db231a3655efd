from __future__ import annotations

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.report.share_plot import share_figure

SHARES = (0.0, 0.5, 1.0)


def rows(arms=("a",), metric="f1"):
    return [
        {"level": "breast", "arm": arm, "reference": "des", "metric": metric, "share": share}
        | {"value": 0.9 - share / 10, "low": 0.85 - share / 10, "high": 0.92 - share / 10}
        for arm in arms
        for share in SHARES[::-1]
    ]


def test_a_line_an_arm_rises_with_the_share_and_has_its_intervals():
    figure = share_figure(rows(["a"]), {"a": "virtual DES"})
    (axes,) = figure.axes
    (container,) = axes.containers
    line, _, (bars,) = container
    assert line.get_xdata() == pytest.approx([0, 50, 100])
    assert line.get_ydata() == pytest.approx([0.9, 0.85, 0.8])
    assert [tuple(np.round(segment[:, 1], 9)) for segment in bars.get_segments()] == [
        (0.85, 0.92),
        (0.8, 0.87),
        (0.75, 0.82),
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["virtual DES"]
    assert axes.get_ylabel() == "F1"


def test_lines_of_several_arms_stand_apart_around_the_share():
    figure = share_figure(rows("abc"), {})
    starts = [container[0].get_xdata()[0] for container in figure.axes[0].containers]
    assert len(set(starts)) == 3 and np.mean(starts) == pytest.approx(0)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="expected 1 to 6 arms, got 0"):
        share_figure([], {})
    with pytest.raises(InputError, match="expected 1 to 6 arms, got 7"):
        share_figure(rows("abcdefg"), {})
    with pytest.raises(InputError, match="expected one level and metric"):
        share_figure([*rows(), *rows(metric="auc")], {})
