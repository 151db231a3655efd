"""What the configs of a bundle import, directly and through vdes: by reading the code, without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import vdes
from vdes.bundle.bundle import Bundle

CODE = Path(vdes.__file__).resolve().parents[1]  # the folder that holds the package
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")


def config_names(bundle: Bundle, config: str, optional: bool) -> list[str]:
    """Return the dotted names that a config mentions in targets, imports and expressions, sorted.

    Args:
        bundle: the bundle.
        config: one of its `Bundle.configs`.
        optional: also those of components that can be switched off (``_disabled_``).
    """
    texts = _texts(bundle.content(config), optional)
    return sorted({name for text in texts for name in DOTTED.findall(text)})


def closure(names: Iterable[str], optional: bool, code: Path = CODE) -> dict[str, frozenset[str]]:
    """Return every module of vdes that importing these names brings, with what each imports.

    Args:
        names: modules of vdes, or names in them.
        optional: also follow what a function imports when it is called.
        code: the folder that holds the package vdes to read.
    """
    found: dict[str, frozenset[str]] = {}
    waiting = list(names)
    while waiting:
        module = waiting.pop()
        if module in found or module.partition(".")[0] != "vdes":
            continue
        parent = module.rpartition(".")[0]
        if parent:
            waiting.append(parent)  # packages are imported with their modules
        file = file_of(module, code)
        if file is not None:
            found[module] = _imports(file, optional)
            waiting.extend(found[module])
    return found


def file_of(module: str, code: Path = CODE) -> Path | None:
    """Return the file of a module of vdes; None for a name in a module."""
    path = code.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file if file.is_file() else None


@cache
def _imports(file: Path, optional: bool) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: set[str] = set()
    for statement in ast.walk(tree) if optional else tree.body:
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            found |= {statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names)}
    return frozenset(found)


def _texts(content: Any, optional: bool) -> Iterator[str]:
    """Return the texts of a config that name code: targets, imports and expressions."""
    if isinstance(content, dict):
        if optional or "_disabled_" not in content:
            for key, value in content.items():
                if key == "_target_" and isinstance(value, str):
                    yield value
                else:
                    yield from _texts(value, optional)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value, optional)
    elif isinstance(content, str) and content.startswith("$"):
        yield content
