r"""Pack a bundle, with the vdes code that its configs name, into one zip file that runs where vdes is not installed.

The archive holds what git has committed, and is the same, byte for byte, whenever the same commit is packed: entries
are sorted and stored uncompressed, with fixed times and modes. A folder of the bundle's name holds the bundle and a
copy of the package vdes; files that the bundle's large_files.yml lists are left out, to be fetched by
``python -m monai.bundle download_large_files``. What verify_bundle.py --static finds is refused.

    python vdes/bundle/pack.py bundles/breast_cesm_virtual_des_unet --output dist
    python -m monai.bundle download --name breast_cesm_virtual_des_unet --bundle_dir . \
        --url file:///where/it/is/breast_cesm_virtual_des_unet_v0.1.0.zip

Exit status: 0 packed, 1 refused, 2 bad input.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from vdes.bundle.verify.bundle import Bundle
from vdes.bundle.verify.checks import verify
from vdes.data.staging import staged
from vdes.errors import InputError

CODE = "vdes"
TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can state
MODE = 0o644


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="folder of the bundle, in a git checkout of the project")
    parser.add_argument("--output", type=Path, default=Path("dist"), help="folder of the archive (default: dist)")
    parser.add_argument("--overwrite", action="store_true", help="replace an archive of the same name")
    arguments = parser.parse_args()
    try:
        archive, findings = pack(arguments.bundle, arguments.output, arguments.overwrite)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if archive is None:
        print("\n".join(findings))
        print(f"{arguments.bundle}: not packed, {len(findings)} findings", file=sys.stderr)
        return 1
    content = archive.read_bytes()
    print(f"wrote {archive}: {len(content) / 1e6:.1f} MB, sha256 {hashlib.sha256(content).hexdigest()}")
    return 0


def pack(bundle: Path, output: Path, overwrite: bool = False) -> tuple[Path | None, list[str]]:
    """Write the archive of a bundle, unless verification refuses it.

    Args:
        bundle: folder of the bundle.
        output: folder of the archive, made if it does not exist.
        overwrite: replace an archive of the same name.

    Returns:
        The archive and no findings, or None and what is wrong with the bundle, a line each.

    Raises:
        InputError: the folder is not in a git checkout, holds what is not committed, or the archive exists.
    """
    files = committed(bundle)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        unpacked = Bundle(Path(folder) / bundle.resolve().name)
        findings = [str(line) for line in verify(unpacked, static=True) if not line.good]
        if findings:
            return None, findings
        version = unpacked.metadata["version"]
        large = {f"{unpacked.name}/{path}" for path in unpacked.large_files}
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"{unpacked.name}_v{version}.zip"
    with staged([archive], overwrite) as stages, zipfile.ZipFile(stages[archive], "w", zipfile.ZIP_STORED) as target:
        for name in sorted(files.keys() - large):
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system, entry.external_attr = 3, MODE << 16  # Unix, whatever packs it
            target.writestr(entry, files[name])
    return archive, []


def committed(bundle: Path) -> dict[str, bytes]:
    """Return the bundle's files and those of vdes at the last commit, by their names in the archive.

    Raises:
        InputError: the folder is not in a git checkout, or something in it or in vdes is not as in the last commit.
    """
    if not bundle.is_dir():
        raise InputError(f"{bundle}: no such folder; expected that of a bundle")
    folder = bundle.resolve()
    root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    inside = folder.relative_to(root).as_posix()
    changed = _git(root, "status", "--porcelain", "--", inside, CODE).decode().splitlines()
    if changed:
        raise InputError(f"{changed[0][3:]}: not as in the last commit; commit it before packing")
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", "HEAD", "--", inside, CODE))) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                own = member.name.removeprefix(f"{inside}/")
                files[f"{folder.name}/{own}"] = stream.read()
    return files


def _git(folder: Path, *arguments: str) -> bytes:
    if shutil.which("git") is None:
        raise InputError("no program git; packing reads what it has committed")
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"{folder}: git {arguments[0]}: {reason[-1] if reason else 'failed'}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
