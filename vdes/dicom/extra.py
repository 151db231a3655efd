"""Checks for the packages that some DICOM functions need besides pydicom."""

from __future__ import annotations

from importlib.util import find_spec

from vdes.errors import InputError

INSTALL = "expected vdes with its extra: pip install 'vdes[dicom]'"
# the modules that pydicom's plugins import; the built-in plugin, "pydicom", needs none
_PLUGINS = {"gdcm": ("gdcm",), "pyjpegls": ("jpeg_ls",), "pylibjpeg": ("pylibjpeg", "openjpeg")}


def need(what: str, *modules: str) -> None:
    """Make sure that modules of the extra ``dicom`` are installed.

    Args:
        what: file or setting that needs them, for the error.
        modules: names of the modules.

    Raises:
        InputError: a module is not installed; the message ends in `INSTALL`.
    """
    for module in modules:
        if find_spec(module) is None:
            raise InputError(f"{what}: {module} is not installed; {INSTALL}")


def need_plugin(what: str, plugin: str) -> None:
    """Make sure, as `need` does, that the modules that a plugin of pydicom imports are installed."""
    need(what, *_PLUGINS.get(plugin, ()))
