"""Shared fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

CDD_CESM = Path(__file__).resolve().parents[2] / "shared" / "data" / "cdd_cesm"


@pytest.fixture(scope="session")
def cdd_cesm() -> Path:
    """The folder of CDD-CESM development images; the test is skipped where it is absent."""
    if not CDD_CESM.is_dir():
        pytest.skip(f"no CDD-CESM development images: {CDD_CESM.relative_to(CDD_CESM.parents[3])} does not exist")
    return CDD_CESM
