from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest

from vdes.errors import InputError
from vdes.handlers.picture_sheet import (
    CAPTION_INCHES,
    DIFFERENCE_COLOURS,
    DPI,
    GAP_INCHES,
    HEADER_INCHES,
    PANEL_INCHES,
    picture_sheet,
)


@pytest.fixture()
def levels() -> list[dict]:
    """Two cases of even grey, so that a panel's middle tells its scale."""
    shape = (40, 30)
    return [
        {
            "low_energy": np.full((1, *shape), low_energy),
            "des": np.full(shape, des),
            "virtual_des": np.full(shape, virtual),
            "caption": f"case {low_energy}",
        }
        for low_energy, des, virtual in ((0.2, 0.4, 0.7), (1.0, 0.6, 0.45))
    ]


def panel(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    """Cut one panel out of the sheet, RGB in [0, 1]."""
    height = PANEL_INCHES * 40 / 30
    top = HEADER_INCHES + row * (height + CAPTION_INCHES) + CAPTION_INCHES
    left = GAP_INCHES + column * (PANEL_INCHES + GAP_INCHES)
    rows = slice(round(top * DPI) + 2, round((top + height) * DPI) - 2)
    return picture[rows, round(left * DPI) + 2 : round((left + PANEL_INCHES) * DPI) - 2, :3]


def test_grey_is_one_fixed_range_and_the_difference_is_signed(levels, tmp_path):
    picture_sheet(levels, tmp_path / "sheet.png")
    picture = matplotlib.image.imread(tmp_path / "sheet.png")
    for row, case in enumerate(levels):
        for column, key in enumerate(("low_energy", "des", "virtual_des")):
            shown = panel(picture, row, column)
            assert shown.reshape(-1, 3).mean(axis=0) == pytest.approx(np.full(3, case[key].flat[0]), abs=0.01)
            assert shown.std() < 0.01
    for row, difference in enumerate((0.3, -0.15)):
        expected = DIFFERENCE_COLOURS((difference + 0.3) / 0.6)[:3]
        assert panel(picture, row, 3).reshape(-1, 3).mean(axis=0) == pytest.approx(expected, abs=0.02)


def test_lesions_are_outlined_where_each_was_drawn(levels, tmp_path):
    lesion, des_lesion = np.zeros((1, 40, 30)), np.zeros((40, 30))
    lesion[:, 4:10, 4:10] = 1
    des_lesion[28:36, 18:26] = 1
    levels[0] |= {"lesion_mask": lesion, "des_lesion_mask": des_lesion}
    levels[1] |= {"lesion_mask": np.zeros((40, 30)), "des_lesion_mask": None}
    picture_sheet(levels, tmp_path / "sheet.png")
    picture = matplotlib.image.imread(tmp_path / "sheet.png")

    def outlined(row: int, column: int) -> tuple[bool, bool]:
        """Whether there is yellow in the upper and in the lower half."""
        shown = panel(picture, row, column)
        yellow = (shown[..., 0] > shown[..., 2] + 0.3) & (shown[..., 1] > shown[..., 2] + 0.2)
        upper, lower = np.array_split(yellow, 2)
        return bool(upper.any()), bool(lower.any())

    assert [outlined(0, column) for column in range(3)] == [(True, False), (False, True), (True, False)]
    assert [outlined(1, column) for column in range(3)] == [(False, False)] * 3


def test_images_of_different_shapes_share_a_sheet(levels, tmp_path):
    for key in ("low_energy", "des", "virtual_des"):
        levels[1][key] = np.full((20, 30), 0.5)
    picture_sheet(levels, tmp_path / "sheet.png")
    shown = panel(matplotlib.image.imread(tmp_path / "sheet.png"), 1, 1)
    upper, lower = np.array_split(shown, 2)
    assert upper[5:-5].mean() == pytest.approx(0.5, abs=0.01)
    assert lower[5:-5].mean() < 0.1


def test_a_sheet_is_replaced_whole_or_not_at_all(levels, tmp_path):
    path = tmp_path / "sheet.png"
    picture_sheet(levels, path)
    first = path.read_bytes()
    picture_sheet(levels, path)
    assert path.read_bytes() == first
    with pytest.raises(ValueError, match="Format 'docx' is not supported"):
        picture_sheet(levels, tmp_path / "sheet.docx")
    with pytest.raises(InputError, match="does not exist"):
        picture_sheet(levels, tmp_path / "nowhere" / "sheet.png")
    assert list(tmp_path.iterdir()) == [path]
