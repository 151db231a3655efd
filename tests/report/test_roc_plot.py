from __future__ import annotations

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import auc, roc_auc_score

from vdes.errors import InputError
from vdes.report.roc_plot import STYLES, roc_figure, roc_plot
from vdes.statistics.bootstrap import Interval

MALIGNANT = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
PROBABILITY = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.4, 0.5, 0.7, 0.8, 0.9])


def predictions(probability: np.ndarray = PROBABILITY, malignant: np.ndarray = MALIGNANT) -> pd.DataFrame:
    """Ten cases that are called malignant from 0.45."""
    numbers = range(len(malignant))
    columns = {"case": [f"c{i}" for i in numbers], "patient": [f"p{i // 2}" for i in numbers]}
    return pd.DataFrame({**columns, "malignant": malignant, "probability": probability, "threshold": 0.45})


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_curve_the_area_and_the_operating_point_are_those_of_the_cases():
    figure = roc_figure({"classifier": predictions()})
    diagonal, curve, point = figure.axes[0].lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    x, y = curve.get_data()
    assert auc(x, y) == pytest.approx(roc_auc_score(MALIGNANT, PROBABILITY))
    assert {(0.0, 0.6), (0.2, 0.8), (0.4, 1.0)} <= set(zip(np.round(x, 6), np.round(y, 6), strict=True))
    assert point.get_xydata()[0] == pytest.approx([0.2, 0.8])  # 1 of 5 others and 4 of 5 malignant are at 0.45 or above
    assert legend_texts(figure) == ["classifier: AUC 0.900"]
    assert figure.axes[0].get_xlabel() == "1 - specificity"
    assert figure.axes[0].get_ylabel() == "sensitivity"


def test_decisions_of_their_own_thresholds_count_where_there_are_any():
    table = predictions().assign(prediction=(PROBABILITY > 0.35).astype(int))
    assert roc_figure({"a": table}).axes[0].lines[2].get_xydata()[0] == pytest.approx([0.4, 1.0])


def test_arms_differ_in_colour_dashes_and_marker_and_the_legend_says_which_is_which():
    arms = {f"arm {i}": predictions(np.roll(PROBABILITY, i)) for i in range(len(STYLES))}
    figure = roc_figure(arms, {"arm 1": Interval(0.7, 0.6123, 0.8)})
    curves, points = figure.axes[0].lines[1::2], figure.axes[0].lines[2::2]
    for handle, curve, point in zip(figure.legends[0].get_lines(), curves, points, strict=True):
        assert handle.get_color() == curve.get_color() == point.get_color()
        assert handle.get_marker() == point.get_marker()
    assert len({curve.get_color() for curve in curves}) == len({point.get_marker() for point in points}) == len(arms)
    area = roc_auc_score(MALIGNANT, np.roll(PROBABILITY, 1))
    assert legend_texts(figure)[1] == f"arm 1: AUC {area:.3f} (0.612 to 0.800)"


def test_cases_of_unknown_pathology_are_left_out():
    more = predictions(np.append(PROBABILITY, 0.99), np.append(MALIGNANT.astype(float), np.nan))
    assert legend_texts(roc_figure({"a": more})) == ["a: AUC 0.900"]


def test_the_legend_lies_below_the_curves():
    figure = roc_figure({f"a long name of an arm, number {i}": predictions() for i in range(6)})
    figure.draw_without_rendering()
    legend, axes = figure.legends[0].get_window_extent(), figure.axes[0].get_tightbbox()
    assert legend.y1 <= axes.y0
    assert legend.x0 >= 0 and legend.x1 <= figure.bbox.width
    assert figure.axes[0].get_window_extent().width > 0.8 * figure.bbox.width


def test_the_picture_is_small_and_replaced_whole(tmp_path):
    path = tmp_path / "roc.png"
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 600)
    arms = {f"arm {i}": predictions((labels + 3 * rng.uniform(size=600)) / 4, labels) for i in range(3)}
    roc_plot(arms, path)
    first = path.read_bytes()
    assert len(first) < 150_000
    assert matplotlib.image.imread(path).shape[1] == 750
    roc_plot(arms, path)
    assert path.read_bytes() == first
    with pytest.raises(InputError, match="does not exist"):
        roc_plot(arms, tmp_path / "nowhere" / "roc.png")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arms", "intervals", "message"),
    [
        ({}, None, "arms: expected 1 to 6, got 0"),
        (dict.fromkeys("abcdefg", predictions()), None, "arms: expected 1 to 6, got 7"),
        ({"a": predictions()}, {"b": Interval(0.5, 0.4, 0.6)}, "intervals: expected some of a, got b"),
        (
            {"a": predictions(malignant=np.ones(10))},
            None,
            "a: expected malignant and other cases, 10 of 10 are malignant",
        ),
        ({"a": predictions().drop(columns="probability")}, None, "a: no column `probability`"),
    ],
)
def test_bad_input_is_named(arms, intervals, message):
    with pytest.raises(InputError, match=message):
        roc_figure(arms, intervals)
