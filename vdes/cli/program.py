"""What the command line hands to those who check commands, as in a bundle's card."""

from __future__ import annotations

from vdes.bundle.verify.commands import Program
from vdes.cli.app import complaint, options


def program() -> Program:
    """Return ``vdes`` as far as its commands are checked."""
    return Program(complaint, options())
