"""Docstrings are tests too; of the package, only the modules that show an example are imported for it."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).with_name("vdes")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass over modules of the package without an example, which would take long to import."""
    if collection_path.suffix == ".py" and collection_path.is_relative_to(PACKAGE):
        return ">>> " not in collection_path.read_text(encoding="utf-8")
    return None
