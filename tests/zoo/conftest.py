"""The model zoo's unit tests, run by pytest."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _process_as_it_was(process_as_it_was: None) -> None:
    """Undo what a bundle does to its process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark those of several processes as slow: the zoo has no pytest to mark them by."""
    for item in items:
        if item.path.parent.name == "zoo" and item.path.stem.endswith("_dist"):
            item.add_marker(pytest.mark.slow)
