from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vdes.errors import InputError
from vdes.experiments.known_scores import KnownScores
from vdes.statistics.interaction import interaction_tests
from vdes.statistics.paired_bootstrap import paired_bootstrap


def drawn(difference: float, patients: int, seed: int, name: str) -> dict[str, pd.DataFrame]:
    """Return two arms with a true difference in AUC; the names of cases and patients begin with ``name``."""
    tables = KnownScores("examination", "auc", difference, 0.8).draw(patients, np.random.default_rng(seed)).tables()
    return {
        arm: table.assign(**{key: name + table[key].astype(str) for key in ("case", "patient")})
        for arm, table in tables.items()
    }


def two_groups(differences: tuple[float, ...], patients: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    parts = {
        name: drawn(d, patients, 10 * seed + n, name)
        for n, (d, name) in enumerate(zip(differences, "abc", strict=False))
    }
    arm, reference = (pd.concat([part[key] for part in parts.values()]) for key in ("arm", "reference"))
    return arm, reference, {name: set(part["arm"]["case"]) for name, part in parts.items()}


def p_value(differences: tuple[float, ...], patients: int, seed: int) -> float:
    arm, reference, groups = two_groups(differences, patients, seed)
    return interaction_tests(arm, reference, groups, ["auc"], 200, seed)["auc"].p_value


def test_equal_differences_are_called_different_as_rarely_as_the_level_says() -> None:
    found = [p_value((-0.1, -0.1), 60, seed) for seed in range(60)]
    # 9 or more of 60 have a probability of .003 at the nominal .05
    assert sum(p < 0.05 for p in found) < 9
    assert 0.3 < np.mean(found) < 0.7


def test_different_differences_are_found() -> None:
    assert all(p_value((0.0, -0.35), 150, seed) < 0.001 for seed in range(3))
    assert all(p_value((0.0, 0.0, -0.35), 150, seed) < 0.001 for seed in range(3))


def test_independent_groups_agree_with_the_test_of_two_estimates() -> None:
    # Altman and Bland 2003: z is the difference of the estimates over the root of the sum of their squared errors
    arm, reference, groups = two_groups((0.0, -0.1), 200, 5)
    estimates = []
    for members in groups.values():
        part = {name: t[t["case"].isin(members)] for name, t in (("arm", arm), ("reference", reference))}
        table = paired_bootstrap(part, "reference", ["auc"], 2000)
        estimates.append(table[table["statistic"] == "difference"].iloc[0])
    one, other = estimates
    z = (one["value"] - other["value"]) / math.hypot(one["standard_error"], other["standard_error"])
    found = interaction_tests(arm, reference, groups, ["auc"])["auc"]
    assert found.degrees_of_freedom == 1
    assert found.statistic == pytest.approx(z**2, rel=0.1)
    assert found.p_value == pytest.approx(scipy.stats.f.sf(found.statistic, 1, 398))


def test_groups_that_share_their_patients_are_compared_within_them() -> None:
    rng = np.random.default_rng(1)
    patients, malignant = np.arange(80), np.arange(80) % 2
    level = rng.random(80)  # of the patient: both views are right or wrong together
    views = {
        view: pd.DataFrame(
            {"case": [f"{n}{view}" for n in patients], "patient": patients, "malignant": malignant, "probability": p}
        ).assign(threshold=0.5)
        for view, p in (("CC", level), ("MLO", np.where(rng.random(80) < 0.05, 1 - level, level)))
    }
    arm = pd.concat(views.values())
    reference = arm.assign(probability=0.9 * arm["malignant"])
    together = {view: set(table["case"]) for view, table in views.items()}
    paired = interaction_tests(arm, reference, together, ["sensitivity"])["sensitivity"]
    apart = interaction_tests(
        arm.assign(patient=arm["case"]), reference.assign(patient=reference["case"]), together, ["sensitivity"]
    )["sensitivity"]
    assert paired.statistic > 2 * apart.statistic > 0


def test_what_cannot_be_tested_is_nan_or_refused() -> None:
    arm, reference, groups = two_groups((0.0, 0.0), 20, 0)
    assert math.isnan(interaction_tests(arm, arm, groups, ["auc"], 50)["auc"].p_value)
    benign = {**groups, "a": set(arm.loc[arm["case"].isin(groups["a"]) & (arm["malignant"] == 0), "case"])}
    assert math.isnan(interaction_tests(arm, reference, benign, ["auc"], 50)["auc"].p_value)
    with pytest.raises(InputError, match="groups: a; expected two or more"):
        interaction_tests(arm, reference, {"a": groups["a"]}, ["auc"])
    with pytest.raises(InputError, match="groups: x: none of its cases has predictions"):
        interaction_tests(arm, reference, {**groups, "x": {"nobody"}}, ["auc"])
