from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.errors import InputError
from vdes.statistics.mrmc.quality_model import quality_model


def scores(readers=4, cases=30, effect=-0.5, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    by_reader, by_case = rng.normal(0, 0.4, readers), rng.normal(0, 0.6, cases)
    rows = [
        (f"R{j}", f"C{k}", modality, 3.5 + shift + by_reader[j] + by_case[k] + noise * rng.standard_normal())
        for modality, shift in (("real", 0.0), ("virtual", effect))
        for j in range(readers)
        for k in range(cases)
    ]
    return pd.DataFrame(rows, columns=["reader", "case", "modality", "quality"])


def test_the_difference_in_a_crossed_design_is_that_of_the_means():
    table = scores()
    found = quality_model(table, "real").set_index(["modality", "statistic"])
    means = table.groupby("modality")["quality"].mean()
    difference = found.loc[("virtual", "difference")]
    assert difference["value"] == pytest.approx(means["virtual"] - means["real"], abs=1e-6)
    # readers and cases cancel: what is left is the error of 2 x 120 scores
    assert difference["standard_error"] == pytest.approx(0.5 * np.sqrt(2 / 120), rel=0.1)
    assert difference["p_value"] < 1e-6


def test_a_mean_varies_with_its_readers_and_cases():
    """In a balanced design the likelihood's variances are those of the analysis of variance."""
    table = scores(readers=6)
    found = quality_model(table, "real").set_index(["modality", "statistic"]).loc[("virtual", "value")]
    cube = table["quality"].to_numpy().reshape(2, 6, 30)
    by = {axis: cube.mean(axis=tuple({0, 1, 2} - {axis})) for axis in range(3)}
    rest = cube - by[0][:, None, None] - by[1][:, None] - by[2] + 2 * cube.mean()
    error = (rest**2).sum() / (360 - 1 - 1 - 5 - 29)
    reader, case = by[1].var(ddof=1) - error / 60, by[2].var(ddof=1) - error / 12
    assert found["value"] == pytest.approx(by[0][1], abs=1e-6)
    assert found["standard_error"] == pytest.approx(np.sqrt(reader / 6 + case / 30 + error / 180), rel=0.01)


def test_scores_that_are_missing_are_made_up_for():
    """One reader, a generous one, scores real DES alone: the plain means would differ by a fifth of her bias."""
    table = scores(effect=0.0, noise=0.05)
    table.loc[table["reader"] == "R0", "quality"] += 2
    found = quality_model(table[~((table["reader"] == "R0") & (table["modality"] == "virtual"))], "real")
    assert abs(found.set_index("statistic").loc["difference", "value"]) < 0.05


def test_scores_that_never_vary_have_no_interval():
    found = quality_model(scores().assign(quality=4), "real")
    assert found["value"].tolist() == [4, 4, 0]
    assert found[["low", "high", "p_value"]].isna().all(axis=None)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="no column `quality`"):
        quality_model(scores().drop(columns="quality"), "real")
    with pytest.raises(InputError, match="no score of the reference des"):
        quality_model(scores(), "des")
    with pytest.raises(InputError, match=r"confidence: expected a number in \(0, 1\)"):
        quality_model(scores(), "real", 0)
