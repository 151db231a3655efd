from __future__ import annotations

import pytest

from vdes.errors import InputError
from vdes.reading.form import CHOICE, DES, FORMS, LOW_ENERGY, MAX_MARKS, QUALITY, check_answer, form_record

SHAPES = {"CC": (64, 48), "MLO": (64, 48)}
LOW = {"birads": "2", "malignancy": 0, "confidence": 5, "marks": []}
FULL = LOW | {"bpe": "marked", "lesion_type": "none", "missing": 0, "distorted": 1, "invented": 0}


def test_answers_that_fit_are_kept():
    assert check_answer(LOW_ENERGY, LOW, SHAPES) == LOW
    assert check_answer(DES, FULL, SHAPES) == FULL
    assert check_answer(CHOICE, {"chosen": "right"}, SHAPES) == {"chosen": "right"}
    assert check_answer(QUALITY, {"quality": 1}, SHAPES) == {"quality": 1}
    marks = [{"view": "MLO", "x": 47.44, "y": 0}]
    assert check_answer(LOW_ENERGY, LOW | {"marks": marks}, SHAPES)["marks"] == [{"view": "MLO", "x": 47.4, "y": 0.0}]


@pytest.mark.parametrize(
    ("form", "change", "named"),
    [
        (LOW_ENERGY, {"birads": 2}, "birads"),
        (LOW_ENERGY, {"malignancy": 50.0}, "malignancy"),
        (LOW_ENERGY, {"malignancy": True}, "malignancy"),
        (LOW_ENERGY, {"malignancy": -1}, "malignancy"),
        (LOW_ENERGY, {"confidence": True}, "confidence"),
        (LOW_ENERGY, {"bpe": "mild"}, "bpe: is not a field of this form"),
        (LOW_ENERGY, {"marks": "CC"}, "marks"),
        (LOW_ENERGY, {"marks": [{"view": "CC", "x": 48, "y": 3}]}, "marks: x"),
        (LOW_ENERGY, {"marks": [{"view": "CC", "x": float("nan"), "y": 3}]}, "marks: x"),
        (LOW_ENERGY, {"marks": [{"view": "ML", "x": 1, "y": 3}]}, "marks: view"),
        (LOW_ENERGY, {"marks": [{"view": "CC", "x": 1}]}, "marks"),
        (LOW_ENERGY, {"marks": [{"view": "CC", "x": 1, "y": 3}] * (MAX_MARKS + 1)}, "marks"),
        (DES, {"margin": "spiculated"}, "margin: is asked only for lesion_type mass"),
        (DES, {"lesion_type": "mass"}, "conspicuity"),
        (DES, {"missing": None}, "missing"),
    ],
)
def test_answers_that_do_not_fit_name_their_field(form, change, named):
    with pytest.raises(InputError, match=f"answer: {named}"):
        check_answer(form, (FULL if form == DES else LOW) | change, SHAPES)


def test_no_answer_is_no_object():
    with pytest.raises(InputError, match="expected an object"):
        check_answer(LOW_ENERGY, ["2"], SHAPES)


def test_keys_are_of_one_field_and_leave_the_viewer_its_own():
    viewer = set("ifoxu")
    for form, fields in FORMS.items():
        keys = [field.key for field in fields]
        assert all(len(key) == 1 for key in keys)
        assert len(set(keys)) == len(keys) and not set(keys) & viewer
        assert [one["name"] for one in form_record(form)] == [field.name for field in fields]
