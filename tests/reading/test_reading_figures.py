from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from vdes.reading.reading_figures import mean_roc, reader_froc_figure, reader_roc_figure

LABELS = {"real": "real DES", "virtual": "virtual DES"}


@pytest.fixture()
def readings() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        (
            reader,
            modality,
            case % 2,
            round(30 * (case % 2) + rng.uniform(0, 60)),
            case % 2,
            case % 2,
            rng.integers(0, 2),
        )
        for reader in ("R1", "R2", "R3")
        for modality in LABELS
        for case in range(40)
    ]
    columns = ["reader", "modality", "malignant", "malignancy", "lesions", "found", "false_marks"]
    return pd.DataFrame(rows, columns=columns)


def test_the_area_under_the_mean_curve_is_the_mean_area(readings):
    own = [part for _, part in readings[readings["modality"] == "real"].groupby("reader")]
    curves = [roc_curve(part["malignant"], part["malignancy"], drop_intermediate=False)[:2] for part in own]
    areas = [roc_auc_score(part["malignant"], part["malignancy"]) for part in own]
    assert np.trapezoid(mean_roc(curves)[1], mean_roc(curves)[0]) == pytest.approx(np.mean(areas))


def test_a_line_for_each_reader_and_one_for_their_mean(readings):
    figure = reader_roc_figure(readings, LABELS, {"real": "AUC 0.8", "virtual": "AUC 0.7"})
    assert len(figure.axes[0].lines) == 1 + 2 * (3 + 1)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["real DES: AUC 0.8", "virtual DES: AUC 0.7"]


def test_marks_of_all_readers(readings):
    figure = reader_froc_figure(readings, LABELS)
    curve = figure.axes[0].lines[0]
    own = readings[readings["modality"] == "real"]
    assert curve.get_xdata()[-1] == pytest.approx(own["false_marks"].mean())
    assert curve.get_ydata()[-1] == 1
