from __future__ import annotations

import numpy as np
import pytest
import torch

from vdes.errors import InputError
from vdes.metrics.lesion_table import lesion_rows

SHAPE = (1, 100, 80)


def box(top: int, left: int, height: int, width: int) -> torch.Tensor:
    mask = torch.zeros(SHAPE)
    mask[:, top : top + height, left : left + width] = 1
    return mask


BREAST = box(5, 0, 90, 70)
LESION, DES_LESION = box(40, 30, 8, 8), box(42, 30, 8, 8)


def rows_of(des: torch.Tensor, des_lesion: torch.Tensor = DES_LESION, **images: torch.Tensor) -> list[dict]:
    return lesion_rows("case", "patient", des, images, BREAST, LESION, des_lesion)


def test_a_lesion_is_measured_where_it_was_drawn_on_each_image():
    des, low = BREAST * 0.2 + 0.4 * DES_LESION, BREAST * 0.2 + 0.4 * LESION
    row = rows_of(des, low_energy=low)[0]
    assert (row["case"], row["patient"], row["place"], row["number"], row["pixels"]) == (
        "case",
        "patient",
        "lesion",
        1,
        64,
    )
    expected = 0.4 / float(des[BREAST > 0].std(correction=0))
    assert row["real_des"] == pytest.approx(expected, rel=1e-5)
    assert row["low_energy"] == pytest.approx(expected, rel=1e-5)
    alone = rows_of(des, torch.zeros(SHAPE), low_energy=low)[0]  # not drawn on the DES: measured at the same place
    assert alone["real_des"] < 0.8 * expected


def test_contrast_does_not_depend_on_level_and_gain():
    des = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))
    rows = rows_of(des, virtual_des=0.3 * des + 0.5)
    elsewhere = [row for row in rows if row["place"] == "elsewhere"]
    assert len(elsewhere) == 4
    for row in elsewhere:
        assert row["virtual_des"] == pytest.approx(row["real_des"], rel=1e-4)


def test_places_elsewhere_show_what_is_shown_beyond_the_lesion():
    flat = BREAST * 0.2
    noise = 0.1 * torch.rand(SHAPE, generator=torch.Generator().manual_seed(2))
    rows = rows_of(flat + 0.3 * DES_LESION, virtual_des=flat + noise)
    elsewhere = [row for row in rows if row["place"] == "elsewhere"]
    assert all(row["real_des"] == pytest.approx(0, abs=1e-5) for row in elsewhere)
    assert any(abs(row["virtual_des"]) > 0.01 for row in elsewhere)


def test_an_even_image_has_no_contrast_and_a_case_without_lesion_no_row():
    des = torch.rand(SHAPE)
    assert np.isnan(rows_of(des, virtual_des=torch.full(SHAPE, 0.5))[0]["virtual_des"])
    assert lesion_rows("case", "patient", des, {}, BREAST, torch.zeros(SHAPE), DES_LESION) == []


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(InputError, match="lesion_mask: expected the shape"):
        lesion_rows("case", "patient", torch.rand(SHAPE), {}, BREAST, torch.zeros(1, 50, 40), DES_LESION)
