from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from vdes.statistics.lesion_summary import false_enhancement, follows, summarise_lesions


def table(patients: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return places of which virtual DES knows the real contrast and low energy does not."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        for number in range(1, 7):
            real = rng.normal(1.0, 0.5)
            rows.append(
                {
                    "case": f"c{patient}",
                    "patient": f"p{patient}",
                    "place": "lesion" if number < 4 else "elsewhere",
                    "number": number,
                    "pixels": 20,
                    "real_des": real if number < 4 else 0.0,
                    "virtual_des": real + rng.normal(0, 0.2) if number < 4 else rng.normal(0, 0.1),
                    "low_energy": rng.normal(1.2, 0.5) if number < 4 else rng.normal(0, 0.3),
                }
            )
    return pd.DataFrame(rows)


def of(summary: pd.DataFrame, method: str, metric: str, statistic: str = "mean") -> pd.Series:
    chosen = summary[
        (summary["method"] == method) & (summary["metric"] == metric) & (summary["statistic"] == statistic)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_values_are_those_of_the_rows():
    rows = table()
    summary = summarise_lesions(rows, n_resamples=200)
    lesions, elsewhere = rows[rows["place"] == "lesion"], rows[rows["place"] == "elsewhere"]
    for method in ("virtual_des", "low_energy"):
        assert of(summary, method, "lesion_contrast")["value"] == pytest.approx(lesions[method].mean())
        expected = spearmanr(lesions[method], lesions["real_des"]).statistic
        assert of(summary, method, "follows")["value"] == pytest.approx(expected)
        assert of(summary, method, "false_enhancement_elsewhere")["value"] == pytest.approx(
            elsewhere[method].clip(lower=0).mean()
        )
    assert of(summary, "real_des", "lesion_contrast")["value"] == pytest.approx(lesions["real_des"].mean())
    assert set(summary[summary["method"] == "real_des"]["metric"]) == {"lesion_contrast"}
    assert of(summary, "virtual_des", "follows")[["cases", "patients"]].tolist() == [90, 30]


def test_the_paired_difference_to_low_energy_finds_who_follows():
    summary = summarise_lesions(table(), n_resamples=500)
    gain = of(summary, "virtual_des", "follows", "difference_to_low_energy")
    assert 0.4 < gain["low"] < gain["value"] < gain["high"]
    false = of(summary, "virtual_des", "false_enhancement_elsewhere", "difference_to_low_energy")
    assert false["high"] < 0
    assert not ((summary["method"] == "low_energy") & (summary["statistic"] != "mean")).any()


def test_a_copy_of_low_energy_gains_nothing():
    rows = table()
    rows["virtual_des"] = rows["low_energy"]
    gains = summarise_lesions(rows, n_resamples=100).query("statistic == 'difference_to_low_energy'")
    assert (gains[["value", "low", "high"]] == 0).all(axis=None)


def test_intervals_resample_patients_not_lesions():
    few = table(patients=12)
    copies = pd.concat([few] * 4)  # more lesions of the same patients tell nothing new
    assert of(summarise_lesions(copies, 300), "virtual_des", "lesion_contrast")[
        ["low", "high"]
    ].tolist() == pytest.approx(
        of(summarise_lesions(few, 300), "virtual_des", "lesion_contrast")[["low", "high"]].tolist()
    )


def test_one_patient_has_no_interval_and_an_empty_table_no_row():
    one = summarise_lesions(table(patients=1))
    assert one["value"].notna().all()
    assert one[["low", "high"]].isna().all(axis=None)
    assert summarise_lesions(pd.DataFrame()).empty


def test_an_even_image_follows_nothing():
    real = np.arange(5.0)
    assert np.isnan(follows(np.ones(5), real))
    assert follows(2 * real + 1, real) == pytest.approx(1)
    assert follows(-real, real) == pytest.approx(-1)


def test_false_enhancement_is_what_is_shown_beyond_the_real_one():
    shown, real = np.array([0.5, 0.5, -1.0, 0.2]), np.array([0.2, -0.5, 0.0, 0.9])
    assert false_enhancement(shown, real) == pytest.approx((0.3 + 0.5 + 0 + 0) / 4)
