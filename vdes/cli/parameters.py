"""Shared by the commands: how a settings dataclass becomes options, how defaults are shown, the option --bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

# the fields of a dataclass become options with their names
FIELDS = Parameter(name="*")
# folder of vdes's bundles; None for those of the clone or of the installed package
Bundles = Annotated[Path | None, Parameter(env_var="VDES_BUNDLES")]


def shown_default(value: Any) -> str | None:
    """Return a default as it would be typed, or None if there is none to show."""
    if value is None or value is False or value == ():
        return None
    return " ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
