from __future__ import annotations

import pytest

from vdes.statistics.monte_carlo import share


def test_a_share_has_its_exact_interval() -> None:
    assert share(8, 10) == pytest.approx((0.8, 0.4439, 0.9748), abs=1e-4)
    assert share(0, 10) == pytest.approx((0, 0, 0.3085), abs=1e-4)
