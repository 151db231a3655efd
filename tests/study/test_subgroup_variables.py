from __future__ import annotations

import numpy as np

from vdes.study.subgroup_variables import column_groups, group_table, lesion_sizes


def case(name: str, side: float, **fields: object) -> dict:
    square = [[[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]]] if side else []
    return {"case": name, "outline": square, "pixel_size_mm": 0.5, **fields}


def test_a_lesion_s_size_is_the_diameter_of_a_circle_of_its_area() -> None:
    # a square of side s has the area of a circle of diameter 2 s / sqrt(pi)
    sides_mm = {"a": 8.8, "b": 8.9, "c": 17.7, "d": 17.8}
    assert 2 * sides_mm["a"] / np.sqrt(np.pi) < 10 < 2 * sides_mm["b"] / np.sqrt(np.pi)
    cases = [case(name, side / 0.5) for name, side in sides_mm.items()] + [case("none", 0)]
    assert lesion_sizes(cases) == {
        "a": "below 10 mm",
        "b": "10 to 20 mm",
        "c": "10 to 20 mm",
        "d": "20 mm and more",
        "none": None,
    }


def test_without_a_pixel_size_the_sizes_are_thirds_of_the_data() -> None:
    cases = [{**case(f"c{side}", side), "pixel_size_mm": None} for side in (0, 1, 2, 3, 4, 5, 6)]
    assert list(lesion_sizes(cases).values()) == [
        None,
        *["smallest third"] * 2,
        *["middle third"] * 2,
        *["largest third"] * 2,
    ]
    assert lesion_sizes([{**case("a", 0), "pixel_size_mm": None}]) == {"a": None}


def test_numbers_are_cut_in_thirds_of_the_known_cases() -> None:
    ages = [31, 40, None, 44, 50, 52, 58, 61, 70, 83]
    assert column_groups(ages) == [
        *["below 50"] * 2,
        None,
        "below 50",
        *["50 to below 61"] * 3,
        *["61 and more"] * 3,
    ]
    # most values are the lowest: no group is empty
    assert column_groups([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]) == ["below 2"] * 9 + ["2 and more"] * 5
    assert column_groups([0] * 20 + [1, 2, 3, 4, 5, 6]) == [*["below 1"] * 20, *["1 and more"] * 6]


def test_texts_and_few_numbers_are_groups_of_their_own() -> None:
    assert column_groups(["A", None, "B", "A"]) == ["A", None, "B", "A"]
    assert column_groups([1, 2, 2, None, 1.5]) == ["1", "2", "2", None, "1.5"]
    assert column_groups([None, None]) == [None, None]


def test_a_table_has_the_fixed_variables_and_the_datalist_s_columns() -> None:
    table = group_table([case("a", 20, density="b", birads=5, centre="north"), case("b", 0, centre=None)], ["centre"])
    assert table.loc["a"].dropna().to_dict() == {
        "density": "b",
        "birads": "5",
        "lesion_size": "10 to 20 mm",
        "centre": "north",
    }
    assert table.loc["b"].isna().all()
