from __future__ import annotations

import numpy as np
import pytest

from vdes.statistics.paired_bootstrap import paired_bootstrap
from vdes.study.arguments import Assumed
from vdes.study.assumed import assumed_population
from vdes.study.question import Question
from vdes.study.simulated_study import RESAMPLES, as_simulated, judged
from vdes.study.verdicts import verdicts


@pytest.mark.parametrize("metric", ["f1", "auc", "sensitivity"])
@pytest.mark.parametrize("reference", [0.9, 0.52])
def test_a_simulated_study_is_judged_as_a_real_one(metric: str, reference: float) -> None:
    population = assumed_population(Assumed(auc=(reference, 0.5)), "image")
    drawn = population.draw(40, np.random.default_rng(0))
    question = Question("arm", metric=metric, margin=0.1, n_resamples=200)
    metrics = dict.fromkeys((metric, "auc"))
    table = paired_bootstrap(drawn.tables(), "reference", metrics, 200, 7).assign(reference="reference")
    (verdict,) = verdicts(table, question)
    (row,) = table[(table["statistic"] == "difference") & (table["metric"] == metric)].to_dict("records")
    found = judged(drawn, question, 7)
    assert (found.verdict, found.patients_needed) == (verdict["verdict"], verdict["patients_needed"])
    assert found.difference == pytest.approx((row["value"], row["low"], row["high"]), rel=1e-12)
    assert found.standard_error == pytest.approx(row["standard_error"], rel=1e-12)


def test_few_bootstrap_samples_have_a_level_of_their_own() -> None:
    few, many = Question("arm", n_resamples=300), Question("arm", n_resamples=10_000)
    assert as_simulated(few) == few
    found = as_simulated(many)
    assert (found.n_resamples, found.margin) == (RESAMPLES, many.margin)
    assert 0.95 < found.confidence < 0.96
