from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.experiments import plan_advice
from vdes.experiments.plan_advice import (
    PILOT,
    SCENARIOS,
    Scenario,
    advised,
    false_verdicts,
    needed,
    stated,
    write_advice,
)
from vdes.experiments.settings import PlanAdvice

EASY = Scenario("sensitivity", "examination", margin=0.4, value=0.9, specificity=0.85, correlation=0.8)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: f"{one.metric}-{one.level}")
def test_arms_are_alike_or_differ_by_the_margin(scenario: Scenario) -> None:
    alike, worse = scenario.population(), scenario.population(-scenario.margin)
    assert alike.difference(scenario.metric) == pytest.approx(0)
    assert worse.difference(scenario.metric) == pytest.approx(-scenario.margin)
    assert alike.true_metric(scenario.metric, alike.reference) == pytest.approx(scenario.value)


def test_more_patients_are_needed_for_more_power() -> None:
    first, second = (needed(EASY, power, about, 300) for power, about in ((0.6, 25), (0.9, 35)))
    assert first.low < first.value < second.value < second.high < 80


def test_an_arm_that_is_worse_by_the_margin_seldom_passes() -> None:
    assert 0 <= false_verdicts(EASY, 60, 100) <= 15


def test_inconclusive_studies_state_a_number() -> None:
    found = stated(SCENARIOS[0], 30, 60)
    assert 0 < found["inconclusive"] < 60
    assert found["low"] <= found["median"] <= found["high"]
    assert stated(EASY, 3000, 2)["median"] is None


def test_plans_from_a_pilot_are_of_its_patients() -> None:
    assumed, piloted = (advised(EASY, 16, 3, pilot) for pilot in (False, True))
    assert assumed["difference"] == pytest.approx(0) and piloted["difference"] == 0
    assert assumed["needed"] != piloted["needed"]
    assert EASY.population().draw(PILOT, np.random.default_rng(0)).patients.max() == PILOT - 1


@pytest.mark.slow
def test_plans_and_truth_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_advice, "SCENARIOS", (EASY,))
    settings = PlanAdvice(tmp_path / "new" / "plans.json", studies=8, seeds=2, jobs=1)
    found = write_advice(settings)
    assert json.loads(settings.output.read_text(encoding="utf-8")) == json.loads(json.dumps(found))
    (scenario,) = found["scenarios"]
    assert [len(row["advised"]) for row in scenario["needed"]] == [2, 2]
    assert "sensitivity by examination, margin 0.4" in settings.output.with_suffix(".md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"plans.json: exists already; pass --overwrite"):
        write_advice(settings)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"studies": 7}, "--studies: expected 8 or more, got 7"),
        ({"seeds": 0}, "--seeds: expected 1 or more, got 0"),
        ({"jobs": 0}, "--jobs: expected 1 or more, got 0"),
        ({"output": Path("plans.md")}, "--output: expected a name that ends in .json, got plans.md"),
    ],
)
def test_bad_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PlanAdvice(**{"output": Path("plans.json"), **wrong})
