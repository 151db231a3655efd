from __future__ import annotations

from itertools import pairwise

import pytest

from vdes.report.forest_plot import KINDS, STYLES, forest_figure, forests
from vdes.report.study_rows import comparison_rows
from vdes.study.arms import study_arms

ARMS = [arm.record() for arm in study_arms(["unet"], retrained=True)]
LABELS = {arm["arm"]: arm["label"] for arm in ARMS}


def rows(metric="f1", margin=0.05):
    table, verdicts = [], []
    for number, arm in enumerate(ARMS):
        one = {"level": "breast", "arm": arm["arm"], "metric": metric, "low": -0.1, "high": 0.02 + number / 100}
        table.append({**one, "statistic": "value", "value": 0.8, "reference": None})
        if arm["reference"]:
            difference = {**one, "statistic": "difference", "value": -number / 100, "reference": arm["reference"]}
            table.append(difference)
            verdicts.append({**one, "margin": margin, "verdict": "inconclusive"})
    return comparison_rows(table, ["level"], verdicts)


def test_arms_are_grouped_by_kind_and_the_reference_of_all_is_left_out():
    (forest,) = forests(rows(), ARMS)
    assert list(forest.groups) == ["virtual", "retrained", "real", "control"]
    shown = [row["arm"] for group in forest.groups.values() for row in group]
    assert sorted(shown) == sorted(arm["arm"] for arm in ARMS if arm["arm"] != "des")
    assert [row["arm"] for row in forest.groups["real"]] == ["low_energy", "low_energy+des"]
    assert forest.axis.low < -0.1 and forest.axis.high > 0.1


def test_the_margin_is_on_the_side_of_the_loss():
    assert forests(rows("f1"), ARMS)[0].margins == (-0.05,)
    assert forests(rows("ece"), ARMS)[0].margins == (-0.05, 0.05)
    assert forests(rows("f1", None), ARMS)[0].margins == ()


def test_a_level_and_metric_has_a_forest_of_its_own():
    plots = forests([*rows("f1"), *rows("auc")], ARMS)
    assert [(plot.level, plot.metric) for plot in plots] == [("breast", "f1"), ("breast", "auc")]
    assert forests(comparison_rows([], ["level"]), ARMS) == []


def test_the_picture_has_every_interval_its_numbers_and_the_margin():
    (forest,) = forests(rows(), ARMS)
    figure = forest_figure(forest, LABELS)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    drawn = [row for group in forest.groups.values() for row in group]
    intervals = [line for line in axes.lines if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2]
    assert [list(line.get_xdata()) for line in intervals] == [
        [row["difference"]["low"], row["difference"]["high"]] for row in drawn
    ]
    texts = [text.get_text() for text in axes.texts]
    assert "−0.030 (−0.100 to +0.050)" in texts
    assert sum(text.strip() in KINDS.values() for text in texts) == 4
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "virtual DES (unet)\nagainst real DES" and len(names) == len(drawn)
    assert any(list(line.get_xdata()) == [-0.05, -0.05] for line in axes.lines)
    assert "margin of 0.05" in figure.legends[0].get_texts()[0].get_text()
    # nothing overlaps: rows are apart, and the numbers are inside the picture
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(boxes))
    assert max(text.get_window_extent().x1 for text in axes.texts) <= figure.bbox.width


def test_kinds_differ_in_colour_and_shape():
    assert STYLES.keys() == KINDS.keys()
    assert len({colour for colour, _ in STYLES.values()}) == len({marker for _, marker in STYLES.values()}) == 4


def test_an_arm_without_an_interval_has_its_value():
    table = rows()
    for row in table:
        row["difference"] = row["difference"] and {**row["difference"], "low": None, "high": None}
    (forest,) = forests(table, ARMS)
    figure = forest_figure(forest, LABELS)
    assert "−0.030" in [text.get_text() for text in figure.axes[0].texts]
    assert forest.axis.at(-0.03) == pytest.approx(
        100 * (-0.03 - forest.axis.low) / (forest.axis.high - forest.axis.low), abs=0.01
    )
