"""What is installed for a bundle: the packages that its metadata name, in versions that vdes allows."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vdes.errors import InputError

OWN = {"torch": "pytorch_version", "monai": "monai_version", "numpy": "numpy_version"}


def stated(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the version of every package that a bundle's metadata require, by name."""
    named = {name: metadata[field] for name, field in OWN.items()} | metadata["required_packages_version"]
    return {canonicalize_name(name): version for name, version in sorted(named.items())}


def exact(metadata: Mapping[str, Any]) -> list[str]:
    """Return the requirements of the versions that a bundle's metadata state."""
    return [f"{name}=={version}" for name, version in stated(metadata).items()]


def allowed(metadata: Mapping[str, Any], setup: Path) -> list[str]:
    """Return the requirements of the versions that vdes allows, for the packages that a bundle's metadata name.

    Args:
        metadata: of the bundle.
        setup: ``setup.cfg``, whose ``install_requires`` is read.

    Raises:
        InputError: a package has no oldest version there.
    """
    settings = ConfigParser()
    settings.read(setup, encoding="utf-8")
    lines = [line.strip() for line in settings["options"]["install_requires"].splitlines()]
    required = [Requirement(line) for line in lines if line and not line.startswith("#")]
    bounds: dict[str, str] = {canonicalize_name(one.name): str(one.specifier) for one in required}
    for name in stated(metadata):
        if ">=" not in bounds.get(name, ""):
            raise InputError(
                f"{setup.name}: {name} has no oldest version; expected {name}>=VERSION in its requirements"
            )
    return [f"{name}{bounds[name]}" for name in stated(metadata)]
