from __future__ import annotations

from vdes.reading.sizing import sizing, sizing_words
from vdes.statistics.mrmc.sample_size import assumed_components, reader_study_power

PLAN = {"auc": 0.85, "readers": 4, "malignant": 32, "others": 48, "margin": 0.05, "confidence": 0.95, "power": 0.8}


def test_the_power_is_that_of_the_plan():
    found = sizing(**PLAN, fixed_readers=False)
    assumed = assumed_components(0.85, 32, 48)
    assert found["power"] == round(reader_study_power(assumed, 80, 4, 80, 0.0, 0.05).power, 3)
    assert 0 < found["power"] < 1
    more = sizing(**{**PLAN, "readers": 8}, fixed_readers=False)
    assert found["power"] < more["power"]
    assert more["cases_needed"] is None or found["cases_needed"] is None or more["cases_needed"] < found["cases_needed"]
    assert f"{found['power']:.0%}" in sizing_words(found, 4, 80)
    assert "no number of cases" in sizing_words(found | {"cases_needed": None}, 4, 80)
