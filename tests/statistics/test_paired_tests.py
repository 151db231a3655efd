from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from vdes.statistics.classification_metrics import METRICS
from vdes.statistics.delong import delong_test
from vdes.statistics.mcnemar import mcnemar_test
from vdes.statistics.paired_tests import PAIRED_TESTS


def arms() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    malignant = np.arange(60) % 2
    tables = []
    for noise in (0.4, 1.0):
        probability = np.clip(0.25 + 0.5 * malignant + noise * rng.normal(0, 0.4, 60), 0, 1)
        prediction = (probability >= 0.5).astype(int)
        tables.append(pd.DataFrame({"malignant": malignant, "probability": probability, "prediction": prediction}))
    return tables[0], tables[1]


def test_each_test_takes_what_it_compares():
    one, other = arms()
    decisions = mcnemar_test(one["malignant"], one["prediction"], other["prediction"]).p_value
    areas = delong_test(one["malignant"], one["probability"], other["probability"]).p_value
    assert 0 < areas < 1 and decisions != areas
    assert PAIRED_TESTS["mcnemar"].p_value(one, other) == pytest.approx(decisions)
    assert PAIRED_TESTS["delong"].p_value(one, other) == pytest.approx(areas)


def test_areas_are_not_compared_with_a_single_case_of_a_class():
    one, other = (table.iloc[[0, 1, 2, 4]] for table in arms())
    assert math.isnan(PAIRED_TESTS["delong"].p_value(one, other))
    assert not math.isnan(PAIRED_TESTS["mcnemar"].p_value(one, other))


def test_metrics_name_tests_that_exist():
    named = {name: metric.test for name, metric in METRICS.items() if metric.test}
    assert named == {"f1": "mcnemar", "accuracy": "mcnemar", "auc": "delong"}
    assert set(named.values()) == set(PAIRED_TESTS)
