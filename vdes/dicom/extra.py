"""What of DICOM needs more than pydicom, and the error where it is not installed."""

from __future__ import annotations

from importlib.util import find_spec

from vdes.errors import InputError

INSTALL = "expected vdes with its extra: pip install 'vdes[dicom]'"
# what pydicom's plugins import; its own, "pydicom", needs nothing more
_PLUGINS = {"gdcm": ("gdcm",), "pyjpegls": ("jpeg_ls",), "pylibjpeg": ("pylibjpeg", "openjpeg")}


def need(what: str, *modules: str) -> None:
    """Make sure that modules of the extra ``dicom`` are installed.

    Args:
        what: file or setting that needs them, for the error.
        modules: names that are imported.

    Raises:
        InputError: one is not installed; the message ends in `INSTALL`.
    """
    for module in modules:
        if find_spec(module) is None:
            raise InputError(f"{what}: {module} is not installed; {INSTALL}")


def need_plugin(what: str, plugin: str) -> None:
    """Make sure that what a plugin of pydicom imports is installed, as `need`."""
    need(what, *_PLUGINS.get(plugin, ()))
