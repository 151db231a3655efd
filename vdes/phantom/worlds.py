"""Worlds of phantoms: how much the low-energy image tells of what contrast would show.

In all of them lesions are as conspicuous at low energy as in diagnostic CESM: breasts of the density classes a and b,
and larger, more solid lesions than in screening. They differ in what the shape of a lesion, which low energy shows,
tells of its enhancement, which it does not show. ``shown`` leaves that as in the default phantoms. In ``told`` the two
scores of a lesion are the same number, so a virtual DES can be worth what the real one is. In ``untold`` the shape
tells nothing of the class or of the enhancement, and the low-energy image is taken before the injection, so no virtual
DES can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vdes.data.vocabulary import WorldName
from vdes.errors import InputError
from vdes.phantom.settings import Settings

_SHOWN = {"density": "ab", "lesion_diameter_mm": 20.0, "lesion_solidity": 0.95}
WORLDS: Mapping[WorldName, Mapping[str, Any]] = {
    "shown": _SHOWN,
    "told": {**_SHOWN, "morphology_dprime": 1.4, "coupling": 1.0, "le_contrast": "post"},
    "half": {**_SHOWN, "morphology_dprime": 0.7, "coupling": 0.5, "le_contrast": "post"},
    "untold": {**_SHOWN, "morphology_dprime": 0.0, "coupling": 0.0, "le_contrast": "pre"},
}
# what makes patients and images of one kind; the rest is their number, their seed, their size and their files
KIND = (
    *("preset", "dose", "le_contrast", "density", "lesion_diameter_mm", "lesion_solidity"),
    *("morphology_dprime", "enhancement_dprime", "coupling"),
)


def in_world(settings: Settings, world: WorldName | None) -> Settings:
    """Return settings with those that a world fixes.

    Args:
        settings: the other settings; those that the world fixes are the default's, or the world's.
        world: one of `WORLDS`; None leaves the settings as they are.

    Raises:
        InputError: there is no such world, or a setting that it fixes has a third value.
    """
    if world is None:
        return settings
    if world not in WORLDS:
        raise InputError(f"world: {world!r}; expected {', '.join(WORLDS)}")
    for name, value in WORLDS[world].items():
        given = getattr(settings, name)
        if given not in (value, getattr(Settings(), name)):
            raise InputError(f"{name}: {given!r}; in the world {world!r} it is {value!r}")
    return replace(settings, **WORLDS[world])


def kind(phantom: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what makes phantoms of one kind, from a datalist's ``phantom``; None for other data.

    Sets of earlier versions lack a setting that came later; they have its default.
    """
    if phantom is None:
        return None
    return {name: phantom.get(name, getattr(Settings(), name)) for name in KIND}


def other_kind(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    """Tell in which setting two kinds differ, such as ``coupling 1.0, not 0.0``; None if they do not."""
    differs = [name for name in KIND if found[name] != expected[name]]
    return f"{differs[0]} {found[differs[0]]!r}, not {expected[differs[0]]!r}" if differs else None
