from __future__ import annotations

import pytest

from vdes.data.cdd_cesm.names import CaseKey, parse_name


@pytest.mark.parametrize(
    ("name", "case", "modality"),
    [
        ("P1_L_DM_MLO", "P1_L_MLO", "low_energy"),
        ("P12_R_CM_CC", "P12_R_CC", "des"),
        ("P3_L_CM_CC ", "P3_L_CC", "des"),
        ("P99_L_DM_MLO_2", "P99_L_MLO_2", "low_energy"),
        ("P281_L_CM_MLO2", "P281_L_MLO_2", "des"),
    ],
)
def test_names_of_the_data_set(name: str, case: str, modality: str) -> None:
    parsed = parse_name(name)
    assert parsed is not None
    assert (parsed[0].case, parsed[1]) == (case, modality)


def test_repeated_view_is_another_case_of_the_same_patient() -> None:
    once, again = parse_name("P99_L_DM_MLO"), parse_name("P99_L_DM_MLO_2")
    assert once is not None and again is not None
    assert once[0] == CaseKey(99, "L", "MLO", 1)
    assert once[0].patient == again[0].patient == "P99"
    assert once[0].case != again[0].case


@pytest.mark.parametrize("name", ["P1_L_MLO", "X1_L_DM_CC", "P1_B_DM_CC", "P1_L_DM_ML", "P1_L_DM_MLO_b", "scan"])
def test_other_names_are_not_of_the_data_set(name: str) -> None:
    assert parse_name(name) is None
