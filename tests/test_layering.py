"""The rules of the house, as CONTRIBUTING states them: what imports what, and who reads what."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import vdes

PACKAGE = Path(vdes.__file__).parent
# from the top down: a room imports itself and what stands after it
ROOMS = (
    *("cli", "reading", "experiments", "report", "study", "handlers", "bundle", "metrics", "losses", "statistics"),
    *("transforms", "phantom", "networks", "data", "dicom", "engines", "errors"),
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    """Return the name that a file is imported by."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(file: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(file: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line, module and name of each import from vdes, those inside functions and for type checking included."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "vdes":
            for alias in node.names:
                yield node.lineno, str(node.module), alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "vdes":
                    yield node.lineno, alias.name, ""


def imported_modules(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of each module of vdes that a file imports."""
    known = {name_of(module) for module in MODULES}
    for line, module, name in imports(file):
        yield line, f"{module}.{name}" if f"{module}.{name}" in known else module


def room(module: str) -> str:
    """Return the room of a module; nothing for the package itself, which holds the version alone."""
    return module.split(".")[1] if "." in module else ""


def test_every_folder_and_module_of_the_package_is_a_room() -> None:
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert found - {"__init__"} <= set(ROOMS)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_flow_downwards(file: Path) -> None:
    own = room(name_of(file))
    upwards = [
        f"{file.relative_to(PACKAGE.parent)}:{line}: imports {module}"
        for line, module in imported_modules(file)
        if own and room(module) and ROOMS.index(room(module)) < ROOMS.index(own)
    ]
    assert not upwards


def test_the_report_knows_no_handler() -> None:
    handlers = [
        f"{file.relative_to(PACKAGE.parent)}:{line}: imports {module}"
        for file in sorted((PACKAGE / "report").rglob("*.py"))
        for line, module in imported_modules(file)
        if room(module) == "handlers"
    ]
    assert not handlers


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {name_of(file): {module for _, module in imported_modules(file)} - {name_of(file)} for file in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_no_private_name_crosses_a_file(file: Path) -> None:
    taken = [
        f"{file.relative_to(PACKAGE.parent)}:{line}: {module}.{name}"
        for line, module, name in imports(file)
        if any(part.startswith("_") and not part.startswith("__") for part in (*module.split("."), name))
    ]
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vdes")
        for alias in node.names
        if (alias.asname or alias.name).islower()
    }
    taken += [
        f"{file.relative_to(PACKAGE.parent)}:{node.lineno}: {node.value.id}.{node.attr}"
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
    ]
    assert not taken


def test_the_environment_is_read_by_the_command_line_alone() -> None:
    readers = {
        file.relative_to(PACKAGE).as_posix()
        for file in MODULES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    # processes that it starts have its own environment, with their number of threads
    own = {"bundle/process.py", "bundle/warm_server.py", "bundle/warm_start.py", "engines/precision.py"}
    assert {name for name in readers if not name.startswith("cli")} <= own


def test_bad_input_is_an_input_error() -> None:
    """`ValueError` and the like reach a user as a traceback."""
    others = [
        f"{file.relative_to(PACKAGE.parent)}:{node.lineno}: raises {raised.id}"
        for file in MODULES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Raise) and node.exc is not None
        for raised in [node.exc.func if isinstance(node.exc, ast.Call) else node.exc]
        if isinstance(raised, ast.Name) and raised.id in ("ValueError", "TypeError", "RuntimeError", "KeyError")
    ]
    assert not others
