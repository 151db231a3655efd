"""The command line as seen by code that checks commands, such as those in a bundle's card."""

from __future__ import annotations

from vdes.bundle.verify.commands import Program
from vdes.cli.app import complaint, options


def program() -> Program:
    """Return what is needed to check ``vdes`` commands."""
    return Program(complaint, options())
