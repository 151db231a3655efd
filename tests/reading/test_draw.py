from __future__ import annotations

from collections import Counter

import pytest

from vdes.errors import InputError
from vdes.reading.draw import breasts, class_counts, draw


def item(patient, side, view, pathology):
    return {
        "patient": patient,
        "laterality": side,
        "view": view,
        "pathology": pathology,
        "case": f"{patient}{side}{view}",
    }


def items(patients=30):
    """Every third patient has a malignant right breast, every third a benign one; the left ones have no lesion."""
    found = []
    for number in range(patients):
        right = ("malignant", "benign", "normal")[number % 3]
        for side, pathology in (("L", "normal"), ("R", right)):
            found += [item(f"P{number}", side, view, pathology) for view in ("CC", "MLO")]
    return found


def test_cases_are_of_the_stated_classes_and_of_different_patients():
    drawn = draw(breasts(items()), class_counts(20, 0.4, 0.2), seed=3)
    assert Counter(one.drawn_as for one in drawn) == {"malignant": 8, "benign": 4, "lesion-free": 8}
    assert len({one.patient for one in drawn}) == 20
    order = [one.drawn_as for one in drawn]
    assert order != sorted(order) and order != sorted(order, reverse=True)
    again = draw(breasts(items()), class_counts(20, 0.4, 0.2), seed=3)
    assert drawn == again != draw(breasts(items()), class_counts(20, 0.4, 0.2), seed=4)


def test_breasts_without_both_views_or_pathology_are_left_out():
    listed = [*items(3), item("X", "L", "CC", "malignant"), item("Y", "L", "CC", None), item("Y", "L", "MLO", None)]
    assert {one.patient for one in breasts(listed)} == {"P0", "P1", "P2"}


def test_a_breast_is_what_its_worse_view_is():
    [breast] = breasts([item("P", "L", "CC", "benign"), item("P", "L", "MLO", "malignant")])
    assert breast.drawn_as == "malignant"


def test_too_few_of_a_class_are_counted():
    with pytest.raises(
        InputError, match=r"cases: 12 malignant .* 10 patients .* 10 malignant, 10 benign, 30 lesion-free"
    ):
        draw(breasts(items()), class_counts(30, 0.4, 0.2), seed=0)


@pytest.mark.parametrize(
    ("shares", "counts"), [((0.4, 0.2), (4, 2, 4)), ((0.5, 0.5), (5, 5, 0)), ((0.25, 0.75), (2, 8, 0))]
)
def test_counts_add_up(shares, counts):
    assert tuple(class_counts(10, *shares).values()) == counts
