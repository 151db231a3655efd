from __future__ import annotations

import numpy as np
import pytest

from vdes.statistics.mrmc.figures_of_merit import auc_merits
from vdes.statistics.mrmc.roe_metz import RoeMetz


def test_the_expected_area_is_the_stated_one():
    model, rng = RoeMetz(), np.random.default_rng(0)
    assert model.auc(model.separation(0.83)) == pytest.approx(0.83)
    separations = [model.separation(0.7), model.separation(0.9)]
    areas = [auc_merits(*model.draw(separations, 4, 100, 100, rng)).values.mean(axis=1) for _ in range(60)]
    assert np.mean(areas, axis=0) == pytest.approx([0.7, 0.9], abs=0.01)


def test_ratings_vary_as_stated():
    model = RoeMetz(reader=0.5, modality_reader=0.25, case=1.0, modality_case=0.75, reader_case=0.5, error=0.25)
    rng = np.random.default_rng(1)
    drawn = np.stack([model.draw([0, 0], 2, 1, 1, rng)[1] for _ in range(20000)])
    assert drawn.var() == pytest.approx(3.25, rel=0.03)
    first, second = drawn[:, 0, 0, 0], drawn[:, 1, 0, 0]
    assert np.cov(first, second)[0, 1] == pytest.approx(2.0, rel=0.05)  # reader, case, reader x case
    assert np.cov(first, drawn[:, 0, 1, 0])[0, 1] == pytest.approx(1.75, rel=0.05)  # case, modality x case
    assert np.cov(first, drawn[:, 0, 0, 1])[0, 1] == pytest.approx(0.0, abs=0.06)  # classes have readers of their own
