"""What a bundle's metadata let a stranger install: the versions they state, the oldest and the newest allowed."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vdes.errors import InputError

OWN = {"torch": "pytorch_version", "monai": "monai_version", "numpy": "numpy_version"}
LOWER, UPPER = (">=", "~=", "=="), ("<", "<=")


def stated(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the version of every package that a bundle's metadata name, required and optional, by name."""
    named = {name: metadata[field] for name, field in OWN.items()}
    for field in ("required_packages_version", "optional_packages_version"):
        named |= metadata.get(field, {})
    return {canonicalize_name(name): version for name, version in named.items()}


def bounds(setup: Path) -> dict[str, Requirement]:
    """Return what vdes itself requires, by name, without extras.

    Args:
        setup: ``setup.cfg``, whose ``install_requires`` is read.
    """
    settings = ConfigParser()
    settings.read(setup, encoding="utf-8")
    lines = [line.strip() for line in settings["options"]["install_requires"].splitlines()]
    required = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in required}


def wanted(metadata: Mapping[str, Any], allowed: Mapping[str, Requirement], versions: str) -> list[str]:
    """Return what is to be installed for a bundle, one requirement a package.

    Args:
        metadata: of the bundle.
        allowed: `bounds`.
        versions: ``stated``, ``oldest`` (the floors themselves) or ``newest`` (whatever the bounds allow).

    Raises:
        InputError: a package has no floor.
    """
    found = []
    for name, version in sorted(stated(metadata).items()):
        if versions == "stated":
            found.append(f"{name}=={version}")
            continue
        specifiers = sorted(allowed[name].specifier if name in allowed else (), key=str)
        floors = [one.version for one in specifiers if one.operator in LOWER]
        if not floors:
            raise InputError(f"setup.cfg: {name} has no oldest version; expected {name}>=VERSION in install_requires")
        ceilings = [str(one) for one in specifiers if one.operator in UPPER]
        found.append(f"{name}=={floors[0]}" if versions == "oldest" else f"{name}{','.join(ceilings)}")
    return found
