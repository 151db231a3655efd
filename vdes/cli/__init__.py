"""The `vdes` command: a file a command, each a function whose signature and docstring make its options and help."""

from vdes.cli.app import main

__all__ = ["main"]
