"""The software versions behind a result."""

from __future__ import annotations

import platform
from importlib.metadata import version

from vdes import __version__

PACKAGES = ("torch", "monai", "itk", "numpy", "scikit-image", "scipy")


def versions() -> dict[str, str]:
    """Return the versions of vdes, Python and the numerical packages."""
    return {"vdes": __version__, "python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
