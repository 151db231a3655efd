from __future__ import annotations

import pytest

from vdes.errors import InputError
from vdes.study.arguments import Planning


def test_a_plan_is_checked() -> None:
    with pytest.raises(InputError, match="--simulated: 3; expected 100 or more"):
        Planning(simulated=3)
    with pytest.raises(InputError, match="--difference: expected with --pilot"):
        Planning(difference=0.0)
