"""Whether the metadata name every package that a bundle's configs and the vdes code behind them import."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import vdes
from vdes.bundle.verify.bundle import Bundle, Line
from vdes.bundle.verify.metadata import FILE

CODE = Path(vdes.__file__).resolve().parents[1]
# what the metadata state apart from the list, and what MONAI's own requirements bring
STATED = {"monai", "torch", "numpy"}
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")


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
        for module in sorted({name for text in _texts(bundle.content(config)) for name in DOTTED.findall(text)}):
            package = module.partition(".")[0]
            for imported, by in _needs(module) if package == "vdes" else [(package, config)]:
                known = _distributions().get(imported, frozenset())
                if imported not in STATED and known and not known & named:
                    missing.setdefault(min(known), by)
    for distribution, by in sorted(missing.items()):
        yield Line(FILE, f"required_packages_version: without {distribution}, which {by} imports")


def _texts(content: Any) -> Iterator[str]:
    """Return the texts of a config that name code: targets, imports and expressions."""
    if isinstance(content, dict):
        if "_disabled_" not in content:
            for key, value in content.items():
                if key == "_target_" and isinstance(value, str):
                    yield value
                else:
                    yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)
    elif isinstance(content, str) and content.startswith("$"):
        yield content


def _needs(name: str) -> set[tuple[str, str]]:
    """Return what importing a module or a name of vdes imports from elsewhere, and the module that does."""
    seen: set[str] = set()
    waiting, found = [name], set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        parent = module.rpartition(".")[0]
        if parent:
            waiting.append(parent)  # packages are imported with their modules
        for imported in _imports(module):
            package = imported.partition(".")[0]
            if package == "vdes":
                waiting.append(imported)
            elif package not in sys.stdlib_module_names:
                found.add((package, module))
    return found


@cache
def _imports(module: str) -> frozenset[str]:
    """Return what a module of vdes imports as it is imported itself; nothing for a name in a module."""
    path = CODE.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():
        return frozenset()
    found: set[str] = set()
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            found |= {statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names)}
    return frozenset(found)


@cache
def _distributions() -> dict[str, frozenset[str]]:
    """Return for each name that can be imported the distributions that it comes from, or is called by."""
    found = packages_distributions()
    return {name: frozenset({_normal(name), *map(_normal, those)}) for name, those in found.items()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
