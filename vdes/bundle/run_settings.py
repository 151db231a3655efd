"""The settings of a bundle's run, by which a resumed run is compared with the one that it continues."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS

from vdes.errors import InputError

# what decides no number: places, the order of work, where the network runs (the kind of device is compared apart), and
# when a training that no longer improves stops
HARMLESS = frozenset(
    (
        *("imports", "initialize", "run", "finalize", "_meta_"),
        *("bundle_root", "dataset_dir", "output_dir", "cache_dir", "best", "resume", "device", "patience"),
        *(name for tracking in DEFAULT_EXP_MGMT_SETTINGS.values() for name in tracking["configs"]),
    )
)


def run_settings() -> dict[str, Any]:
    """Return the config that is being evaluated, with all overrides and unresolved, without what is `HARMLESS`.

    For an expression of a config, ``$run_settings.run_settings()``. MONAI passes its configs to no expression, so they
    are found in the frames of the parser that evaluates this one.

    Returns:
        What JSON can hold; other values, which only a caller from Python can set, are named by their type.

    Raises:
        InputError: no config is being evaluated.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        parser = frame.f_locals.get("self")
        if isinstance(parser, ConfigParser):
            own = {str(name): value for name, value in parser.get().items() if name not in HARMLESS}
            settings: dict[str, Any] = json.loads(json.dumps(own, default=_type))
            return settings
        frame = frame.f_back
    raise InputError("settings: no config is being evaluated; expected run_settings() in an expression of one")


def first_difference(one: Any, other: Any) -> tuple[str, Any, Any] | None:
    """Return the place where two nested settings differ first, as ``loss#l1_weight``, and both values; None if equal.

    A setting that only one of them has is None in the other.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        pairs = {key: (one.get(key), other.get(key)) for key in (*one, *other)}
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = {str(i): pair for i, pair in enumerate(zip(one, other, strict=True))}
    else:
        return None if one == other else ("", one, other)
    for key, pair in pairs.items():
        found = first_difference(*pair)
        if found is not None:
            return ("#".join(filter(None, (key, found[0]))), *found[1:])
    return None


def _type(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
