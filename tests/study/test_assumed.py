from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from vdes.errors import InputError
from vdes.study.arguments import Assumed
from vdes.study.assumed import assumed_population, disagreement


@pytest.mark.parametrize("name", ["f1", "auc", "sensitivity"])
def test_the_population_has_the_assumed_values(name: str) -> None:
    found = assumed_population(Assumed(**{name: (0.8, 0.75)}, specificity=(0.97, 0.96)), "image")
    for arm, value, specificity in ((found.reference, 0.8, 0.97), (found.arm, 0.75, 0.96)):
        assert found.true_metric(name, arm) == pytest.approx(value)
        assert found.true_metric("specificity", arm) == pytest.approx(specificity)
    assert found.difference(name) == pytest.approx(-0.05)
    assert (found.cases, found.malignant_cases) == (4, 2)


def test_drawn_patients_have_the_assumed_f1_and_disagreement() -> None:
    assumed = Assumed(
        f1=(0.8, 0.7), specificity=(0.97, 0.97), disagreement=0.05, images_per_patient=3, malignant_images=1
    )
    found = assumed_population(assumed, "image")
    assert disagreement(found.correlation, (found.arm, found.reference), 0.33 / 3) == pytest.approx(0.05, abs=1e-4)
    drawn = found.draw(20_000, np.random.default_rng(0)).tables()
    values = {arm: f1_score(table["malignant"], table["prediction"]) for arm, table in drawn.items()}
    assert values == pytest.approx({"arm": 0.7, "reference": 0.8}, abs=0.015)
    differs = drawn["arm"]["prediction"] != drawn["reference"]["prediction"]
    assert differs.mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "assumed: none; expected one of --f1, --auc and --sensitivity, or --pilot"),
        ({"f1": (0.8, 0.8), "auc": (0.9, 0.9)}, "assumed: f1, auc; expected one of"),
        ({"f1": (0.8, 1.0)}, "--f1: 1.0; expected a number above 0 and below 1"),
        ({"auc": (0.9, 0.9), "specificity": (0.0, 0.5)}, "--specificity: 0.0; expected"),
        ({"auc": (0.9, 0.9), "prevalence": 1.0}, "--prevalence: 1.0; expected"),
        ({"auc": (0.9, 0.9), "correlation": 1.1}, "--correlation: 1.1; expected a number of 0 to 1"),
    ],
)
def test_bad_values_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Assumed(**wrong)


@pytest.mark.parametrize(
    ("values", "level", "message"),
    [
        ({"f1": (0.99, 0.9)}, "examination", "--f1: 0.99: not possible with a specificity of 0.85"),
        ({"auc": (0.9, 0.9), "images_per_patient": 2}, "breast", "expected with --level image, not breast"),
        ({"auc": (0.9, 0.9), "images_per_patient": 0}, "image", "--malignant-images: 0, 1; expected 1 or more"),
        ({"auc": (0.9, 0.9), "disagreement": 0.9}, "image", "--disagreement: 0.9; expected 0.0"),
    ],
)
def test_what_cannot_be_together_is_named(values: dict[str, Any], level: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        assumed_population(Assumed(**values), level)
