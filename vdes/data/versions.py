"""The versions that a result rests on."""

from __future__ import annotations

import platform
from importlib.metadata import version

from vdes import __version__

PACKAGES = ("torch", "monai", "itk", "numpy", "scikit-image", "scipy")


def versions() -> dict[str, str]:
    """Return the versions of vdes, Python and the packages that compute."""
    return {"vdes": __version__, "python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
