from __future__ import annotations

import numpy as np

from vdes.statistics.predictions import known_cases
from vdes.statistics.resampled_metrics import Cases
from vdes.study.drawn_study import DrawnStudy


def test_tables_are_those_of_known_cases() -> None:
    labels = np.array([True, False, False])
    arm = Cases(labels, np.array([0.9, 0.6, 0.1]), np.array([True, True, False]))
    reference = Cases(labels, np.array([0.8, 0.2, 0.3]), labels)
    found = DrawnStudy(np.array([0, 0, 1]), arm, reference).tables()
    assert list(found) == ["arm", "reference"]
    for table in found.values():
        checked = known_cases(table)
        assert table["patient"].tolist() == [0, 0, 1]
        for column in ("malignant", "probability", "prediction"):
            assert checked[column].tolist() == table[column].tolist()
    assert found["arm"]["probability"].tolist() == [0.9, 0.6, 0.1]
