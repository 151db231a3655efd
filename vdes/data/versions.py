"""The software versions behind a result."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from vdes import __version__

PACKAGES = ("torch", "openvino", "monai", "itk", "numpy", "scikit-image", "scipy")


def versions() -> dict[str, str]:
    """Return the versions of vdes, Python and the numerical packages."""
    return {"vdes": __version__, "python": platform.python_version(), **dict(_installed())}


def _installed() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue  # networks run without OpenVINO too
