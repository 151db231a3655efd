"""Pack a bundle, with the vdes code that its configs use, into one zip file that runs without vdes.

The archive contains what git has committed, and the same commit gives the same archive, byte for byte: entries
are sorted and stored uncompressed, with fixed times and modes. It has one folder, with the bundle's name, for the
bundle and a copy of the package vdes. Files that the bundle's large_files.yml lists are left out; ``python -m
monai.bundle download_large_files`` downloads them. The inference config is there in JSON too, because
`monai.bundle.load` builds a network from JSON alone; and so is the card with the metadata that a hub reads, README.md.
"""

from __future__ import annotations

import io
import json
import posixpath
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from vdes.bundle.bundle import Bundle
from vdes.bundle.hub_card import hub_card
from vdes.bundle.imports import closure, config_names, file_of
from vdes.bundle.verify.checks import verify
from vdes.bundle.verify.commands import Program
from vdes.data.staging import staged
from vdes.errors import InputError

PACKAGE = "vdes"
ALWAYS = "vdes.phantom.generate"  # data to try a bundle on, wherever it has got to
TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can store
MODE = 0o644
IN_JSON = "configs/inference.json"


def pack(bundle: Path, output: Path, program: Program, overwrite: bool = False) -> tuple[Path | None, list[str]]:
    """Write the archive of a bundle, unless verification refuses it.

    Args:
        bundle: folder of the bundle.
        output: folder of the archive, created if it does not exist.
        program: ``vdes``, for checking the commands of the card.
        overwrite: replace an archive of the same name.

    Returns:
        The archive and no findings, or None and the findings, one line each.

    Raises:
        InputError: the folder is not in a git checkout, has uncommitted changes, or the archive exists.
    """
    files = committed(bundle)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        unpacked = Bundle(Path(folder) / bundle.resolve().name)
        findings = [str(line) for line in verify(unpacked, program, static=True) if not line.good]
        if findings:
            return None, findings
        version = unpacked.metadata["version"]
        names = needed(unpacked, partners(Bundle(bundle))) - set(unpacked.large_files)
        made = {IN_JSON: _in_json(unpacked), "README.md": hub_card(unpacked).encode()}
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"{unpacked.name}_v{version}.zip"
    with staged([archive], overwrite) as stages, zipfile.ZipFile(stages[archive], "w", zipfile.ZIP_STORED) as target:
        for name in sorted(names | made.keys()):
            entry = zipfile.ZipInfo(f"{unpacked.name}/{name}", TIME)
            entry.create_system, entry.external_attr = 3, MODE << 16  # Unix, whatever packs it
            target.writestr(entry, made.get(name) or files[entry.filename])
    return archive, []


def _in_json(unpacked: Bundle) -> bytes:
    """Return its inference config in JSON."""
    content = unpacked.content(str(unpacked.config("inference")))
    return (json.dumps(content, indent=4, ensure_ascii=False) + "\n").encode()


def committed(bundle: Path) -> dict[str, bytes]:
    """Return the bundle's files and those of vdes at the last commit, by their names in the archive.

    Raises:
        InputError: the folder is not in a git checkout, or something in it or in vdes differs from the last commit.
    """
    if not bundle.is_dir():
        raise InputError(f"{bundle}: no such folder; expected the folder of a bundle")
    folder = bundle.resolve()
    root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    inside = folder.relative_to(root).as_posix()
    others = [partner.root.resolve().relative_to(root).as_posix() for partner in partners(Bundle(folder))]
    changed = _git(root, "status", "--porcelain", "--", inside, *others, PACKAGE).decode().splitlines()
    if changed:
        raise InputError(f"{changed[0][3:]}: not as in the last commit; commit it before packing")
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", "HEAD", "--", inside, PACKAGE))) as tar:
        for member in tar:
            own = f"{folder.name}/{member.name.removeprefix(f'{inside}/')}"
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                files[own] = stream.read()
            elif member.issym():  # weights that two bundles share
                target = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))
                files[own] = _git(root, "show", f"HEAD:{target}")
    return files


def partners(bundle: Bundle) -> list[Bundle]:
    """Return the bundles next to a bundle.

    The study runs them with its own copy of vdes; and a process that loads two bundles has the copy of the first, which
    must do for the second.
    """
    beside = sorted(bundle.root.resolve().parent.iterdir())
    return [Bundle(folder) for folder in beside if folder.name != bundle.name and (folder / "configs").is_dir()]


def needed(unpacked: Bundle, beside: Sequence[Bundle]) -> set[str]:
    """Return the files of an unpacked bundle without the modules of vdes that no config needs.

    A module is included if a config names it or another included module imports it, at its top or inside a function.
    The other files of a package (tables, templates, schemas) are included with any of its modules. The
    phantom always goes along.

    Args:
        unpacked: the bundle, with the whole package.
        beside: its `partners`, whose configs count too.
    """
    names = {
        name
        for bundle in (unpacked, *beside)
        for config in bundle.configs
        for name in config_names(bundle, config, optional=True)
    }
    modules = closure({ALWAYS, *names}, optional=True, code=unpacked.root)
    files = {file.relative_to(unpacked.root) for module in modules if (file := file_of(module, unpacked.root))}
    used = {file.parent for file in files}
    everything = {Path(name) for name in unpacked.files}
    packages = {file.parent for file in everything if file.name == "__init__.py"}

    def goes_along(file: Path) -> bool:
        if file.parts[0] != PACKAGE:
            return True
        if file.suffix == ".py":
            return file in files
        return next(folder for folder in file.parents if folder in packages) in used

    return {file.as_posix() for file in everything if goes_along(file)}


def _git(folder: Path, *arguments: str) -> bytes:
    if shutil.which("git") is None:
        raise InputError("no program git; packing reads what it has committed")
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"{folder}: git {arguments[0]}: {reason[-1] if reason else 'failed'}")
    return done.stdout
