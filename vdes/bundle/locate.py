"""Find the folder of vdes's bundles: one that the user names, that of a clone, or that of the installed package."""

from __future__ import annotations

from pathlib import Path

import vdes
from vdes.errors import InputError

PACKAGE = Path(vdes.__file__).resolve().parent
CLONE = PACKAGE.parent / "bundles"
INSTALLED = PACKAGE / "bundle" / "shipped"  # where setup.py puts the bundles in a wheel
METADATA = Path("configs", "metadata.json")
HELP = (
    "expected a folder that holds bundles, by --bundles or $VDES_BUNDLES. Unpack their archives into it, or fetch "
    "each: python -m monai.bundle download --name breast_cesm_virtual_des_unet --bundle_dir DIR --url URL"
)


def find_bundles(given: Path | None = None) -> Path:
    """Return the folder that holds vdes's bundles, a folder each.

    Args:
        given: what the user names, by ``--bundles`` or ``$VDES_BUNDLES``; nothing else is looked at then. Without it,
            the folder ``bundles`` beside the package is taken, as in a clone, and otherwise the copy that an installed
            package carries.

    Raises:
        InputError: there is no such folder or no bundle in it; the message says how to get them.
    """
    if given is not None:
        if not given.is_dir():
            raise InputError(f"{given}: no such folder; {HELP}")
        if (given / METADATA).is_file():
            raise InputError(f"{given}: is one bundle; expected the folder that holds it, {given.absolute().parent}")
        if not bundle_names(given):
            raise InputError(f"{given}: no bundle in this folder; {HELP}")
        return given
    for folder in (CLONE, INSTALLED):
        if bundle_names(folder):
            return folder
    raise InputError(f"bundles: neither in {CLONE} nor in {INSTALLED}; {HELP}")


def find_bundle(name: str, given: Path | None = None) -> Path:
    """Return the folder of one bundle.

    Args:
        name: of the bundle, such as ``breast_cesm_virtual_des_unet``.
        given: as in `find_bundles`.

    Raises:
        InputError: as `find_bundles`, or the bundle is not among them.
    """
    folder = find_bundles(given)
    names = bundle_names(folder)
    if name not in names:
        raise InputError(f"{folder}: no bundle {name!r} in this folder; expected one of {', '.join(names)}")
    return folder / name


def bundle_names(folder: Path) -> list[str]:
    """Return the names of the bundles in a folder, in alphabetical order; none where there is no such folder."""
    return sorted(metadata.parents[1].name for metadata in folder.glob(f"*/{METADATA.as_posix()}"))
