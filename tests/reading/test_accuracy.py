from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vdes.reading.accuracy import accuracy_rows, component_rows, figures_of_merit, reader_rows
from vdes.reading.crossed import Crossed, crossed
from vdes.reading.question import ReadingQuestion
from vdes.statistics.mrmc.figures_of_merit import auc_merits
from vdes.statistics.mrmc.obuchowski_rockette import difference
from vdes.statistics.mrmc.roe_metz import RoeMetz

NAMES = ("low_energy", "real", "virtual")


@pytest.fixture(scope="module")
def design() -> Crossed:
    """Five simulated readers who do as well with virtual as with real DES, and worse with low energy."""
    model, rng = RoeMetz(modality_case=0.05, error=0.45), np.random.default_rng(0)
    labels, ratings = model.draw([1.2, 2.2, 2.2], 5, 60, 60, rng)
    cases = [f"C{number:03d}" for number in range(120)]
    index = pd.MultiIndex.from_product(
        [NAMES, [f"R{n}" for n in range(1, 6)], cases], names=["modality", "reader", "case"]
    )
    readings = pd.Series(ratings.ravel(), index=index, name="malignancy").reset_index().assign(repeat=0)
    readings["birads"] = np.where(readings["malignancy"] > 1, "4B", "2")
    readings["located"] = np.random.default_rng(1).random(len(readings)) < 0.9
    return crossed(readings, pd.DataFrame({"case": cases, "patient": cases, "malignant": labels}))


def rows(design, question=None):
    merits = figures_of_merit(design)
    found = accuracy_rows(design, merits, question or ReadingQuestion())
    return {(row["metric"], row["statistic"], row["modality"], row["reference"]): row for row in found}, merits


def test_the_question_has_a_verdict_and_no_other_difference(design):
    found, _ = rows(design)
    asked = found["auc", "difference", "virtual", "real"]
    assert asked["verdict"] == "non-inferior"
    assert asked["margin"] == 0.05
    judged = [key for key, row in found.items() if row["verdict"] is not None]
    assert judged == [("auc", "difference", "virtual", "real")]
    gained = found["auc", "difference", "real", "low_energy"]
    assert gained["low"] > 0
    assert gained["p_value"] < 0.001
    # the other way round: low energy alone loses more than the margin
    alone, _ = rows(design, ReadingQuestion("low_energy", "real"))
    assert alone["auc", "difference", "low_energy", "real"]["verdict"] == "inferior"


def test_the_figures_are_those_of_the_statistics(design):
    found, merits = rows(design, ReadingQuestion(readers="fixed"))
    expected = difference(auc_merits(design.malignant, design.cube("malignancy")), 2, 1, "fixed")
    asked = found["auc", "difference", "virtual", "real"]
    assert (asked["value"], asked["low"], asked["high"]) == pytest.approx(expected[:3])
    assert asked["degrees_of_freedom"] is None
    called = design.cube("malignancy") > 1
    assert found["sensitivity", "value", "real", None]["value"] == pytest.approx(called[1, :, :60].mean())
    assert found["specificity", "value", "real", None]["value"] == pytest.approx(1 - called[1, :, 60:].mean())
    assert found["located_auc", "value", "real", None]["value"] < found["auc", "value", "real", None]["value"]
    assert all(row["low"] >= 0 and row["high"] <= 1 for key, row in found.items() if key[1] == "value")
    by_reader = reader_rows(design, merits, ReadingQuestion())
    mean = np.mean([row["value"] for row in by_reader if row["metric"] == "auc" and row["statistic"] == "difference"])
    assert mean == pytest.approx(asked["value"])


def test_the_components_are_there_for_the_next_study(design):
    _, merits = rows(design)
    found = {row["metric"]: row for row in component_rows(design, merits, ReadingQuestion())}
    assert set(found) == {"auc", "located_auc", "sensitivity", "specificity"}
    assert found["auc"]["p_value"] < 0.001
    assert found["auc"]["error"] > found["auc"]["cov1"] > 0


def test_what_was_not_asked_has_no_figure(design):
    bare = Crossed(
        design.readers,
        design.modalities,
        design.cases,
        design.readings.drop(columns=["birads", "located"]),
        {},
        [],
    )
    assert set(figures_of_merit(bare)) == {"auc"}
