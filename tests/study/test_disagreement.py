from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vdes.study.disagreement import FRAME, DisagreementSums, disagreement, merge_sums


def case(difference: float, rows: int, columns: int) -> dict[str, Any]:
    """A breast of some size whose virtual image lies above the real one, in the upper half."""
    inside, virtual, real = torch.zeros(1, 160, 120), torch.zeros(1, 160, 120), torch.zeros(1, 160, 120)
    inside[:, :rows, :columns] = 1
    real[:, :rows, :columns] = 0.4
    virtual += real
    virtual[:, : rows // 2, :columns] += difference
    virtual[:, rows:] = 1.0  # air says nothing
    return {"breast_mask": inside, "des": real, "virtual_des-g": virtual, "content": (rows, columns)}


@pytest.mark.parametrize("size", [(160, 80), (60, 120), (128, 96)])
@pytest.mark.parametrize("difference", [0.1, -0.2])
def test_breasts_of_any_size_are_stretched_to_one_frame(size, difference):
    maps = disagreement(case(difference, *size), "virtual_des-g")
    half = FRAME[0] // 2
    for name, value in (("signed", difference), ("absolute", abs(difference)), ("weight", 1.0)):
        assert maps[name].shape == FRAME
        np.testing.assert_allclose(maps[name][: half - 2], value, atol=1e-6)
    np.testing.assert_allclose(maps["signed"][half + 2 :], 0, atol=1e-6)


def test_sums_are_by_view_and_a_patient_counts_once(tmp_path):
    sums = DisagreementSums()
    for view, patient, difference in (("CC", "P1", 0.1), ("CC", "P1", -0.3), ("MLO", "P2", 0.2)):
        sums.add(view, patient, disagreement(case(difference, 160, 80), "virtual_des-g"))
    sums.save(tmp_path / "map.npz")
    with np.load(tmp_path / "map.npz") as found:
        assert (found["CC_cases"], found["CC_patients"], found["MLO_cases"], found["MLO_patients"]) == (2, 1, 1, 1)
        assert found["CC_weight"][10, 10] == pytest.approx(2)
        assert found["CC_signed"][10, 10] == pytest.approx(-0.2)
        assert found["CC_absolute"][10, 10] == pytest.approx(0.4)
        assert found["MLO_signed"][10, 10] == pytest.approx(0.2)

    merge_sums([tmp_path / "map.npz"] * 2, tmp_path / "merged.npz")
    with np.load(tmp_path / "map.npz") as one, np.load(tmp_path / "merged.npz") as both:
        assert set(one.files) == set(both.files)
        for name in one.files:
            np.testing.assert_allclose(both[name], 2 * one[name])
