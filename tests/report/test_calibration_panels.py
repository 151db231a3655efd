from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.report.calibration_panels import calibration_panels
from vdes.statistics.calibration import reliability_curve
from vdes.statistics.classification_metrics import classification_metrics

RNG = np.random.default_rng(0)
PROBABILITY = RNG.uniform(size=200)
MALIGNANT = (RNG.uniform(size=200) < PROBABILITY).astype(int)


def predictions(probability=PROBABILITY) -> pd.DataFrame:
    names = [f"c{i}" for i in range(200)]
    return pd.DataFrame(
        {"case": names, "patient": names, "malignant": MALIGNANT, "probability": probability, "threshold": 0.5}
    )


def test_a_panel_an_arm_shows_its_reliability_and_error():
    arms = {
        "real DES": predictions(),
        "low energy": predictions(PROBABILITY**2),
        "virtual": predictions(1 - PROBABILITY),
    }
    figure = calibration_panels(arms)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 3
    for axes, (name, table) in zip(panels, arms.items(), strict=True):
        curve = reliability_curve(table["malignant"], table["probability"])
        points = axes.collections[-1]
        assert np.allclose(points.get_offsets(), curve[["mean_probability", "malignant_share"]])
        error = classification_metrics(table["malignant"], table["probability"], metrics=["ece"])["ece"][0]
        assert axes.get_title() == f"{name}\nECE {error:.3f}"
        areas = points.get_sizes()
        assert areas.argmax() == curve["cases"].argmax()


def test_titles_of_neighbours_do_not_touch():
    names = [f"low energy + virtual DES (generator {i}), retrained" for i in range(6)]
    figure = calibration_panels(dict.fromkeys(names, predictions()))
    figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    assert all(left.x1 < right.x0 for left, right in zip(boxes[::2], boxes[1::2], strict=True))


def test_bad_input_is_named():
    with pytest.raises(InputError, match="arms: expected one or more, got 0"):
        calibration_panels({})
    with pytest.raises(InputError, match="a: no column `probability`"):
        calibration_panels({"a": predictions().drop(columns="probability")})
