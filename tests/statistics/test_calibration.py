from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.special
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.proportion import proportion_confint

from vdes.errors import InputError
from vdes.statistics.calibration import (
    CURVE_COLUMNS,
    EQUIVALENCE_COLUMNS,
    calibration_equivalence,
    logistic_recalibration,
    reliability_curve,
)
from vdes.statistics.classification_metrics import classification_metrics
from vdes.statistics.paired_bootstrap import paired_bootstrap


def cases(n: int, slope: float = 1.0, intercept: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities whose recalibration is the slope and the intercept."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.standard_normal(n)
    malignant = rng.random(n) < scipy.special.expit(intercept + slope * logits)
    return malignant.astype(int), scipy.special.expit(logits)


def test_the_reliability_curve_is_that_of_scikit_learn_with_the_intervals_of_statsmodels():
    malignant, probability = cases(300)
    curve = reliability_curve(malignant, probability, bins=8)
    assert curve.columns.tolist() == CURVE_COLUMNS
    share, mean = calibration_curve(malignant, probability, n_bins=8)
    assert curve["malignant_share"].tolist() == pytest.approx(share)
    assert curve["mean_probability"].tolist() == pytest.approx(mean)
    assert (curve["cases"].sum(), curve["positives"].sum()) == (300, malignant.sum())
    low, high = proportion_confint(curve["positives"], curve["cases"], method="wilson")
    assert curve["low"].tolist() == pytest.approx(low.tolist())
    assert curve["high"].tolist() == pytest.approx(high.tolist())


def test_the_curve_has_the_bins_of_the_calibration_error():
    malignant, probability = cases(200)
    probability = np.round(probability, 1)
    curve = reliability_curve(malignant, probability)
    distance = (curve["mean_probability"] - curve["malignant_share"]).abs()
    ece = classification_metrics(malignant, probability, metrics=["ece"])["ece"][0]
    assert (distance * curve["cases"]).sum() / 200 == pytest.approx(ece)


def test_empty_bins_have_no_point_and_edges_belong_to_the_upper_bin():
    curve = reliability_curve([0, 1, 1], [0.5, 0.9, 1.0], bins=4)
    assert curve[["from", "to", "cases"]].to_numpy().tolist() == [[0.5, 0.75, 1], [0.75, 1.0, 2]]


def test_recalibration_is_the_maximum_of_the_likelihood():
    malignant, probability = cases(400, slope=0.7, intercept=-0.4)
    slope, intercept = logistic_recalibration(malignant, probability, np.arange(400))
    logits = scipy.special.logit(probability)
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(logits[:, None], malignant)
    assert slope.value == pytest.approx(model.coef_[0, 0], abs=1e-5)
    # with the slope at 1 the mean of the recalibrated probabilities is the share of malignant cases
    assert scipy.special.expit(intercept.value + logits).mean() == pytest.approx(malignant.mean())


def test_recalibration_finds_what_was_put_in():
    malignant, probability = cases(40_000, slope=0.7)
    slope, intercept = logistic_recalibration(malignant, probability, np.arange(40_000))
    assert slope.low < 0.7 < slope.high
    assert slope.high - slope.low < 0.1
    malignant, probability = cases(40_000, intercept=0.5)
    slope, intercept = logistic_recalibration(malignant, probability, np.arange(40_000))
    assert slope.low < 1 < slope.high
    assert intercept.low < 0.5 < intercept.high
    assert intercept.high - intercept.low < 0.1


def test_alike_cases_of_a_patient_do_not_narrow_the_interval():
    malignant, probability = cases(200)
    once = logistic_recalibration(malignant, probability, np.arange(200))
    doubled = logistic_recalibration(np.tile(malignant, 2), np.tile(probability, 2), np.tile(np.arange(200), 2))
    for one, two in zip(once, doubled, strict=True):
        assert two.value == pytest.approx(one.value)
        assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.01)


@pytest.mark.slow
def test_intervals_of_the_recalibration_cover():
    covered = np.zeros(2)
    for seed in range(500):
        rng = np.random.default_rng(seed)
        logits = np.repeat(1.5 * rng.standard_normal(150), 2)
        # both breasts of a patient share the draw, so they are alike
        malignant = np.repeat(rng.random(150), 2) < scipy.special.expit(logits)
        found = logistic_recalibration(malignant, scipy.special.expit(logits), np.repeat(np.arange(150), 2))
        covered += [found.slope.low <= 1 <= found.slope.high, found.intercept.low <= 0 <= found.intercept.high]
    assert (covered / 500 >= 0.92).all()
    assert (covered / 500 <= 0.98).all()


def test_probabilities_of_0_and_1_are_finite_evidence():
    malignant, probability = cases(100)
    probability[:2], malignant[:2] = [0, 1], [1, 0]
    slope, intercept = logistic_recalibration(malignant, probability, np.arange(100))
    assert np.isfinite([*slope, *intercept]).all()


def test_separated_or_equal_probabilities_have_no_slope():
    for probability in ([0.1, 0.2, 0.8, 0.9], [0.9, 0.8, 0.2, 0.1], [0.1, 0.5, 0.5, 0.9], [0.3, 0.3, 0.3, 0.3]):
        slope, intercept = logistic_recalibration([0, 0, 1, 1], probability, [1, 2, 3, 4])
        assert np.isnan(slope).all()
        assert np.isfinite(intercept).all()


@pytest.fixture(scope="module")
def arms() -> dict[str, pd.DataFrame]:
    """An arm, one like it, and one whose probabilities are too high."""
    malignant, probability = cases(2000)
    noise = np.random.default_rng(1).normal(0, 0.1, 2000)
    logits = scipy.special.logit(probability)
    table = pd.DataFrame(
        {
            "case": [f"case{number}" for number in range(2000)],
            "patient": [f"P{number // 2}" for number in range(2000)],
            "malignant": malignant,
            "threshold": 0.5,
        }
    )
    return {
        "real": table.assign(probability=probability),
        "alike": table.assign(probability=scipy.special.expit(logits + noise)),
        "high": table.assign(probability=scipy.special.expit(logits + 1.5)),
    }


def test_equivalence_of_calibration(arms):
    margins = {"brier": 0.01, "ece": 0.02, "calibration_in_the_large": 0.02}
    table = calibration_equivalence(arms, "real", margins, n_resamples=500)
    assert table.columns.tolist() == EQUIVALENCE_COLUMNS
    verdicts = table.set_index(["arm", "metric"])["verdict"]
    assert verdicts["alike"].tolist() == ["equivalent"] * 3
    assert verdicts["high"].tolist() == ["different"] * 3
    paired = paired_bootstrap(arms, "real", tuple(margins), 500, confidence=0.9)
    paired = paired[paired["statistic"] == "difference"].reset_index(drop=True)
    pd.testing.assert_frame_equal(table[["value", "low", "high"]], paired[["value", "low", "high"]])
    assert table["margin"].tolist() == [0.01, 0.02, 0.02] * 2


def test_few_cases_prove_nothing(arms):
    few = {name: table.iloc[:30] for name, table in arms.items()}
    table = calibration_equivalence(few, "real", {"calibration_in_the_large": 0.25}, n_resamples=200)
    assert table.set_index("arm")["verdict"].to_dict() == {"alike": "equivalent", "high": "inconclusive"}
    one = {name: table.iloc[:2] for name, table in arms.items()}
    table = calibration_equivalence(one, "real", {"brier": 0.1}, n_resamples=20)
    assert table["verdict"].tolist() == ["inconclusive"] * 2


def test_bad_input_is_named(arms):
    with pytest.raises(InputError, match="malignant and probability: shapes differ"):
        reliability_curve([0, 1, 1], [0.1, 0.2])
    with pytest.raises(InputError, match="bins, level: expected 1 or more"):
        reliability_curve([0, 1], [0.1, 0.2], bins=0)
    with pytest.raises(InputError, match="malignant: expected both 0 and 1"):
        logistic_recalibration([1, 1], [0.1, 0.2], [1, 2])
    for patients in ([1], [1, 1], [1, None]):
        with pytest.raises(InputError, match=r"patients: expected \(2,\) of them, none missing and two or more"):
            logistic_recalibration([0, 1], [0.1, 0.2], patients)
    with pytest.raises(InputError, match="level: expected a number"):
        logistic_recalibration([0, 1], [0.1, 0.2], [1, 2], level=95)
    for margins in ({}, {"brier": 0.0}, {"brier": np.nan}):
        with pytest.raises(InputError, match="margins: expected numbers above 0 by metric"):
            calibration_equivalence(arms, "real", margins)
    with pytest.raises(InputError, match="alpha: expected a number"):
        calibration_equivalence(arms, "real", {"brier": 0.1}, alpha=0.5)
