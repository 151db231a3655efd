from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from skimage import draw
from skimage.transform import resize

from vdes.data.cdd_cesm.via import Shape, check_size, points, read_via_csv, render, scaled
from vdes.data.image_header import ImageHeader
from vdes.errors import InputError

HEADER = "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"


def polygon(corners: np.ndarray) -> Shape:
    """A polygon by corners (row, column)."""
    return Shape("polygon", tuple(corners[:, 1]), tuple(corners[:, 0]))


def area(shape: Shape, height: int = 100, width: int = 120) -> int:
    mask = render([shape], height, width)
    return 0 if mask is None else int((mask == 255).sum())


def test_square_covers_the_pixels_inside_its_coordinates() -> None:
    mask = render([Shape("polygon", (4, 12, 12, 4), (6, 6, 16, 16))], 40, 24)
    expected = np.zeros((40, 24), np.uint8)
    expected[6:16, 4:12] = 255
    np.testing.assert_array_equal(mask, expected)


def test_rectangle_is_the_polygon_of_its_corners(tmp_path: Path) -> None:
    file = tmp_path / "via.csv"
    file.write_text(HEADER + 'a.png,1,{},1,0,"{""name"":""rect"",""x"":4,""y"":6,""width"":8,""height"":10}",{}\n')
    np.testing.assert_array_equal(
        render(read_via_csv(file)["a.png"].shapes, 40, 24),
        render([Shape("polygon", (4, 12, 12, 4), (6, 6, 16, 16))], 40, 24),
    )


@pytest.mark.parametrize("seed", range(5))
def test_polygons_match_scikit_image_also_where_they_leave_the_image(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, 30))
    radii = random.uniform(15, 45, 30)
    corners = np.stack([20 + radii * np.sin(angles), 100 + radii * np.cos(angles)], axis=1)
    expected = np.zeros((100, 120), np.uint8)
    # scikit-image has the pixel's centre at whole coordinates
    rows, columns = draw.polygon(corners[:, 0] - 0.5, corners[:, 1] - 0.5, expected.shape)
    expected[rows, columns] = 255
    mask = render([polygon(corners)], 100, 120)
    assert corners.min() < 0 or corners[:, 1].max() > 120
    np.testing.assert_array_equal(mask, expected)


def test_area_of_a_self_crossing_outline_is_filled_whole() -> None:
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    once = np.stack([50 + 30 * np.sin(turn), 60 + 30 * np.cos(turn)], axis=1)
    inner = np.stack([50 + 20 * np.sin(turn), 60 + 20 * np.cos(turn)], axis=1)
    twice = np.concatenate([once, once[:1], inner, inner[:1]])
    assert area(polygon(twice)) == area(polygon(once))


def test_circle_and_ellipse_have_the_area_of_the_formula() -> None:
    assert area(Shape("circle", (60,), (50,), 20, 20)) == pytest.approx(math.pi * 400, rel=0.01)
    for theta in (0.0, 0.7, 2.5, 4.0):
        assert area(Shape("ellipse", (60,), (50,), 40, 10, theta)) == pytest.approx(math.pi * 400, rel=0.01)


def test_ellipse_turns_clockwise_on_the_screen() -> None:
    mask = render([Shape("ellipse", (60,), (50,), 40, 5, math.pi / 6)], 100, 120)
    assert mask is not None
    rows, columns = np.nonzero(mask)
    slope = np.polyfit(columns, rows, 1)[0]
    # y grows downwards, so clockwise on the screen is a positive slope
    assert slope == pytest.approx(math.tan(math.pi / 6), rel=0.05)


def test_shape_below_a_pixel_marks_the_pixel_it_lies_in() -> None:
    mask = render([Shape("polygon", (7.1, 7.3, 7.2), (3.6, 3.7, 3.9))], 10, 10)
    assert mask is not None
    assert np.argwhere(mask).tolist() == [[3, 7]]


def test_nothing_inside_the_image_is_no_mask() -> None:
    assert render([Shape("polygon", (-3, -1, -2), (2, 2, 4))], 10, 10) is None
    assert render([Shape("point", (5,), (5,))], 10, 10) is None


def test_points_are_pixels_and_clipped() -> None:
    shapes = [Shape("point", (7.9,), (11.2,)), Shape("point", (-1,), (40,)), Shape("circle", (5,), (5,), 2, 2)]
    assert points(shapes, 40, 24) == [[11, 7], [39, 0]]


def test_outline_drawn_a_little_over_the_edge_fits_but_not_far_over() -> None:
    header = ImageHeader(width=100, height=200, dtype="uint8")
    check_size([Shape("polygon", (-9, 109, 50), (-19, 219, 50))], header, Path("via.csv"), Path("a.png"))
    for shape in (Shape("polygon", (50, 150, 50), (1, 1, 9), row=7), Shape("circle", (50,), (250,), 3, 3, row=7)):
        with pytest.raises(InputError, match=r"via\.csv: row 7: .* outside a\.png \(100 x 200 pixels\)"):
            check_size([shape], header, Path("via.csv"), Path("a.png"))


def test_rows_without_a_region_are_images_without_shapes(tmp_path: Path) -> None:
    file = tmp_path / "via.csv"
    file.write_text(HEADER + 'a.png,77,{},0,0,{},{}\nb.png,5,{},1,0,"{""name"":""point"",""cx"":1,""cy"":2}",{}\n')
    drawn = read_via_csv(file)
    assert drawn["a.png"].shapes == [] and drawn["a.png"].file_size == 77
    assert drawn["b.png"].shapes == [Shape("point", (1.0,), (2.0,), row=3)]


@pytest.mark.parametrize(
    "shape",
    [
        '{"name":"star"}',
        '{"name":"polygon","all_points_x":[1,2],"all_points_y":[1]}',
        '{"name":"circle","cx":1,"cy":2}',
        '{"name":"circle","cx":1,"cy":2,"r":NaN}',
        '{"name":"polygon","all_points_x":[1,"b"],"all_points_y":[1,2]}',
        "[1]",
        "{",
    ],
)
def test_a_shape_that_is_none_is_an_error_with_its_row(tmp_path: Path, shape: str) -> None:
    file = tmp_path / "via.csv"
    quoted = shape.replace('"', '""')
    file.write_text(HEADER + f'a.png,1,{{}},1,0,"{quoted}",{{}}\n')
    with pytest.raises(InputError, match=r"via\.csv: row 2 \(a\.png\): region_shape_attributes: ") as caught:
        read_via_csv(file)
    assert "\n" not in str(caught.value)


def test_missing_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "via.csv"
    file.write_text("#filename,file_size\na.png,1\n")
    with pytest.raises(InputError, match="column 'region_shape_attributes' is missing"):
        read_via_csv(file)


def test_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_via_csv(tmp_path / "none.csv")
    (tmp_path / "via.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"via\.csv: not a csv file in UTF-8"):
        read_via_csv(tmp_path / "via.csv")


@pytest.mark.parametrize(
    "shape",
    [
        Shape("polygon", (10, 50, 30), (20, 25, 70)),
        Shape("ellipse", (60,), (50,), 30, 12, 0.7),
        Shape("circle", (40,), (30,), 15, 15),
    ],
)
@pytest.mark.parametrize(("x", "y"), [(2.0, 2.0), (0.5, 1.5)])
def test_a_scaled_shape_lies_on_its_stretched_image(shape: Shape, x: float, y: float) -> None:
    mask = render([shape], 100, 120)
    stretched = resize(mask / 255, (round(100 * y), round(120 * x)), order=1, anti_aliasing=True, preserve_range=True)
    found = render([scaled(shape, x, y)], round(100 * y), round(120 * x)) > 0
    overlap = (found & (stretched > 0.5)).sum() / (found | (stretched > 0.5)).sum()
    assert overlap > 0.95
    assert found.sum() == pytest.approx(x * y * (mask > 0).sum(), rel=0.04)


def test_a_scaled_point_stays_in_its_pixel_of_the_stretched_image() -> None:
    assert points([scaled(Shape("point", (7,), (11,)), 2.0, 0.5)], 100, 100) == [[5, 14]]
