from __future__ import annotations

import numpy as np
import pytest

from vdes.errors import InputError
from vdes.report.disagreement_plot import disagreement_figure
from vdes.study.disagreement import FRAME, DisagreementSums


def saved(tmp_path, sums):
    sums.save(tmp_path / "map.npz")
    return tmp_path / "map.npz"


def test_means_over_the_cases_are_shown_where_most_have_breast(tmp_path):
    sums = DisagreementSums()
    weight = np.ones(FRAME)
    weight[:10] = 0  # above the breast
    for patient, level in (("P1", -0.1), ("P2", -0.3)):
        sums.add("MLO", patient, {"signed": level * weight, "absolute": -level * weight, "weight": weight})
    figure = disagreement_figure(saved(tmp_path, sums))
    pictures = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in pictures] == ["MLO, virtual minus real", "MLO, absolute difference"]
    signed, absolute = (np.asarray(axes.images[0].get_array()) for axes in pictures)
    assert signed[10:] == pytest.approx(-0.2) and absolute[10:] == pytest.approx(0.2)
    assert not signed[:10].any() and not absolute[:10].any()
    assert pictures[0].images[0].get_clim() == pytest.approx((-0.2, 0.2))
    assert pictures[1].images[0].get_clim() == pytest.approx((0, 0.2))


def test_without_a_case_there_is_no_figure(tmp_path):
    assert disagreement_figure(saved(tmp_path, DisagreementSums())) is None


def test_another_file_is_refused(tmp_path):
    (tmp_path / "map.npz").write_text("no maps")
    with pytest.raises(InputError, match=r"map\.npz: cannot be read as maps of disagreement"):
        disagreement_figure(tmp_path / "map.npz")
    np.savez(tmp_path / "map.npz", a=1)
    with pytest.raises(InputError, match=r"map\.npz: cannot be read as maps of disagreement"):
        disagreement_figure(tmp_path / "map.npz")
