"""Whether the metadata name every package that a bundle's configs and the vdes code behind them import."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions

from vdes.bundle.bundle import Bundle
from vdes.bundle.imports import closure, config_names
from vdes.bundle.verify.line import Line
from vdes.bundle.verify.metadata import FILE

# what the metadata state apart from the list, and what MONAI's own requirements bring
STATED = {"monai", "torch", "numpy"}


def check_packages(bundle: Bundle) -> Iterator[Line]:
    """Tell which packages are imported that the metadata do not name.

    What a component that can be switched off (``_disabled_``) needs, and what a function imports when it is called, is
    optional.
    """
    required = bundle.metadata.get("required_packages_version")
    if not isinstance(required, dict):
        return  # which the schema's check says
    named = {_normal(name) for name in required}
    missing: dict[str, str] = {}
    for config in bundle.configs:
        for module in config_names(bundle, config, optional=False):
            package = module.partition(".")[0]
            for imported, by in _needs(module) if package == "vdes" else [(package, config)]:
                known = _distributions().get(imported, frozenset())
                if imported not in STATED and known and not known & named:
                    missing.setdefault(min(known), by)
    for distribution, by in sorted(missing.items()):
        yield Line(FILE, f"required_packages_version: without {distribution}, which {by} imports")


def _needs(name: str) -> set[tuple[str, str]]:
    """Return what importing a module or a name of vdes imports from elsewhere, and the module that does."""
    found = {
        (imported.partition(".")[0], module)
        for module, all_imported in closure([name], optional=False).items()
        for imported in all_imported
    }
    return {(package, by) for package, by in found if package != "vdes" and package not in sys.stdlib_module_names}


@cache
def _distributions() -> dict[str, frozenset[str]]:
    """Return for each name that can be imported the distributions that it comes from, or is called by."""
    found = packages_distributions()
    return {name: frozenset({_normal(name), *map(_normal, those)}) for name, those in found.items()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
