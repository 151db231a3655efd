"""Make an environment that lists what a wheel needs where it runs, without what only development needs.

It holds the descriptions (``*.dist-info``) of the wheel and of all distributions that it requires, directly or not, as
they are installed here; not their code. A tool that writes a bill of materials reads it in place of this environment.

    python tools/runtime_environment.py dist/vdes-0.2.0-py3-none-any.whl environment
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# of a description, what other programs read; the rest depends on how and where it was installed
KEPT = ("METADATA", "entry_points.txt", "top_level.txt", "WHEEL")


def make(wheel: Path, folder: Path) -> None:
    """Make the environment of a wheel."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        described = {name.partition("/")[0] for name in archive.namelist() if name.endswith(".dist-info/METADATA")}
        archive.extractall(site_packages, [name for name in archive.namelist() if name.partition("/")[0] in described])
    own = Distribution.at(site_packages / described.pop())
    for needed in closure(own):
        description = site_packages / f"{canonicalize_name(needed.metadata['Name'])}-{needed.version}.dist-info"
        description.mkdir()
        for name in KEPT:
            if (text := needed.read_text(name)) is not None:
                (description / name).write_text(text, encoding="utf-8")
        for file in needed.files or ():  # licences
            if ".dist-info/licenses/" in file.as_posix():
                copy = description / file.as_posix().partition(".dist-info/")[2]
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(str(file.locate())), copy)


def closure(own: Distribution) -> list[Distribution]:
    """Return the installed distributions that a distribution requires on this machine, without extras, by name.

    Raises:
        PackageNotFoundError: one is not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(required(own, frozenset()))
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = distribution(name)
        waiting += required(found[name], extras)
    return [found[name] for name in sorted(found)]


def required(of: Distribution, extras: Iterable[str]) -> Iterator[Requirement]:
    """Yield what a distribution requires here with some of its extras."""
    for line in of.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield requirement


if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]), Path(sys.argv[2]))
    except PackageNotFoundError as missing:
        sys.exit(f"error: {missing.name}: not installed; expected the environment of tools/setup.sh")
