"""The `vdes` command: one file per command, with functions whose signatures and docstrings give options and help."""

from vdes.cli.app import main

__all__ = ["main"]
