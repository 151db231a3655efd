from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest
from matplotlib.container import BarContainer, ErrorbarContainer

from vdes.errors import InputError
from vdes.report.calibration_plot import STYLES, calibration_figure, calibration_plot
from vdes.statistics.classification_metrics import classification_metrics

# 20 cases of probability 0.05, 1 malignant; 10 of 0.55, 6 malignant; 4 of 0.95 and 1.0, all malignant
PROBABILITY = np.repeat([0.05, 0.55, 0.95, 1.0], [20, 10, 2, 2])
MALIGNANT = np.concatenate([np.arange(20) < 1, np.arange(10) < 6, np.ones(4)]).astype(int)


def test_the_drawn_points_intervals_and_counts_are_those_of_the_cases():
    figure = calibration_figure(MALIGNANT, {"classifier": PROBABILITY})
    upper, lower = figure.axes
    (drawn,) = [container for container in upper.containers if isinstance(container, ErrorbarContainer)]
    points, _, (bars,) = drawn.lines
    assert points.get_xydata() == pytest.approx(np.array([[0.05, 0.05], [0.55, 0.6], [0.975, 1.0]]))
    # Wilson's interval of 6 in 10: the textbook's (0.313, 0.832); of 4 in 4 it ends at 1
    segments = bars.get_segments()
    assert segments[1][:, 1] == pytest.approx([0.3127, 0.8318], abs=1e-4)
    assert segments[2][:, 1] == pytest.approx([0.5101, 1.0], abs=1e-4)
    (counts,) = [container for container in lower.containers if isinstance(container, BarContainer)]
    assert [bar.get_height() for bar in counts] == [20, 10, 4]
    assert [bar.get_x() + bar.get_width() / 2 for bar in counts] == pytest.approx([0.05, 0.55, 0.95])
    assert [text.get_text() for text in lower.texts] == ["20", "10", "4"]
    assert upper.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]


def test_both_sets_are_drawn_side_by_side_and_named_with_their_error():
    sets = {"before temperature scaling": PROBABILITY, "after temperature scaling": 0.1 + 0.8 * PROBABILITY}
    upper, lower = calibration_figure(MALIGNANT, sets).axes
    errors = [classification_metrics(MALIGNANT, values, metrics=["ece"])["ece"][0] for values in sets.values()]
    assert [text.get_text() for text in upper.get_legend().get_texts()] == [
        "perfect calibration",
        *(f"{name} (ECE {error:.3f})" for name, error in zip(sets, errors, strict=True)),
    ]
    first, second = [container for container in lower.containers if isinstance(container, BarContainer)]
    assert sum(bar.get_height() for bar in first) == sum(bar.get_height() for bar in second) == len(MALIGNANT)
    last_before, last_after = first[-1], second[-1]  # both of the bin from 0.9
    assert last_before.get_x() + last_before.get_width() == pytest.approx(last_after.get_x())
    lines = [container.lines[0] for container in upper.containers if isinstance(container, ErrorbarContainer)]
    assert [(line.get_color(), line.get_marker()) for line in lines] == list(STYLES)


def test_axes_say_what_they_show():
    upper, lower = calibration_figure(MALIGNANT, {"classifier": PROBABILITY}).axes
    assert upper.get_ylabel() == "share of malignant cases, 95 % interval"
    assert lower.get_xlabel() == "predicted probability of malignancy"
    assert lower.get_ylabel() == "cases"
    assert upper.get_xlim() == lower.get_xlim() == (0, 1)


def test_the_picture_is_small_and_replaced_whole(tmp_path):
    path = tmp_path / "calibration.png"
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=600)
    malignant = rng.uniform(size=600) < probability
    sets = {"before": probability**2, "after": probability}
    calibration_plot(malignant, sets, path)
    first = path.read_bytes()
    assert len(first) < 150_000
    assert matplotlib.image.imread(path).shape[:2] == (930, 750)
    calibration_plot(malignant, sets, path)
    assert path.read_bytes() == first
    with pytest.raises(InputError, match="does not exist"):
        calibration_plot(malignant, sets, tmp_path / "nowhere" / "calibration.png")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("malignant", "sets", "message"),
    [
        (MALIGNANT, {}, "probabilities: expected one or two sets, got 0"),
        (MALIGNANT, dict.fromkeys("abc", PROBABILITY), "probabilities: expected one or two sets, got 3"),
        (MALIGNANT[1:], {"a": PROBABILITY}, "shapes differ"),
        (MALIGNANT, {"a": PROBABILITY + 0.5}, r"expected values in \[0, 1\]"),
    ],
)
def test_bad_input_is_named(malignant, sets, message):
    with pytest.raises(InputError, match=message):
        calibration_figure(malignant, sets)
