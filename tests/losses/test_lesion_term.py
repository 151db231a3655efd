from __future__ import annotations

import math

import pytest

from vdes.errors import InputError
from vdes.losses.lesion_term import lesion_term

DRAWN = [{"lesion_mask": None}, {"lesion_mask": "lesion.png"}]
NONE = [{"lesion_mask": None}, {}]


def test_a_weight_that_is_not_given_depends_on_drawn_lesions(caplog):
    assert lesion_term("contrast_weight", None, DRAWN, 0.3) == 0.3
    assert not caplog.messages
    assert lesion_term("contrast_weight", None, NONE, 0.3) == 0
    assert caplog.messages == ["contrast_weight: 0, because no lesion is drawn in the training section"]


def test_a_weight_that_is_given_needs_drawn_lesions():
    assert lesion_term("contrast_weight", 2, DRAWN, 0.3) == 2
    assert lesion_term("contrast_weight", 0, NONE) == 0
    with pytest.raises(InputError, match=r"contrast_weight: 0\.5, but the training section has no lesion_mask"):
        lesion_term("contrast_weight", 0.5, NONE)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, True, "much"])
def test_no_weight_is_refused(value):
    with pytest.raises(InputError, match=r"contrast_weight: .*; expected a number of 0 or more"):
        lesion_term("contrast_weight", value, DRAWN)
