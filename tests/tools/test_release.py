"""A release: two runs from the same commit, in different clones, give the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import pytest
from runtime_environment import closure

import vdes

PROJECT = Path(__file__).resolve().parents[2]
BUNDLES = sorted(path.parent.parent.name for path in PROJECT.glob("bundles/*/configs/metadata.json"))
Release = Callable[..., "subprocess.CompletedProcess[str]"]


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=vdes", "-c", "user.email=vdes@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the project as it stands, all of it committed."""
    if shutil.which("git") is None:
        pytest.skip("no program git")
    folder = tmp_path_factory.mktemp("committed")
    for name in filter(None, git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name, follow_symlinks=False)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.fixture
def release() -> Release:
    """Run the script of a clone."""

    def run(clone: Path, out: Path, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(clone)}
        command = ["bash", str(clone / "tools" / "release.sh"), str(out)]
        return subprocess.run(command, env=environment, umask=umask, capture_output=True, text=True)

    return run


@pytest.mark.slow
def test_two_releases_of_a_commit_are_the_same_bytes(committed: Path, release: Release, tmp_path: Path) -> None:
    if shutil.which("cyclonedx-py") is None or find_spec("build") is None:
        pytest.skip("no cyclonedx-bom or build: install vdes[test]")
    done = release(committed, tmp_path / "one")
    assert done.returncode == 0, done.stdout + done.stderr
    git(tmp_path, "clone", "--quiet", str(committed), str(tmp_path / "clone"))
    for file in (tmp_path / "clone" / "vdes").rglob("*.py"):
        os.utime(file, (1e9, 1e9))
    done = release(tmp_path / "clone", tmp_path / "two", umask=0o077)
    assert done.returncode == 0, done.stdout + done.stderr
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))
    name = f"vdes-{vdes.__version__}"
    versions = {b: json.loads((PROJECT / "bundles" / b / "configs" / "metadata.json").read_text()) for b in BUNDLES}
    archives = {f"{bundle}_v{metadata['version']}.zip" for bundle, metadata in versions.items()}
    others = {f"{name}.tar.gz", f"{name}-py3-none-any.whl", f"{name}.cdx.json", "SHA256SUMS"}
    assert one.keys() == two.keys() == archives | others
    assert [file for file in sorted(one) if one[file] != two[file]] == []
    sums = dict(line.split("  ")[::-1] for line in one.pop("SHA256SUMS").decode().splitlines())
    assert sums == {file: hashlib.sha256(content).hexdigest() for file, content in one.items()}
    check_bill(one[f"{name}.cdx.json"], committed.parent)
    with zipfile.ZipFile(tmp_path / "one" / f"{name}-py3-none-any.whl") as wheel:
        assert wheel.testzip() is None


def check_bill(content: bytes, place: Path) -> None:
    """Check that the bill of materials lists vdes and what it needs, with licences, and no place of this machine."""
    bill = json.loads(content)
    assert bill["bomFormat"] == "CycloneDX" and str(place.parent).encode() not in content
    parts = {part["name"].lower(): part for part in bill["components"]}
    assert {"vdes", "monai", "torch", "numpy", "pydicom"} <= parts.keys()
    assert not {"pytest", "ruff", "mypy", "pip", "cyclonedx-bom"} & parts.keys()
    assert parts["vdes"]["version"] == vdes.__version__
    assert [licence["license"]["id"] for licence in parts["vdes"]["licenses"]] == ["Apache-2.0"]
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert any(need.startswith("monai==") for need in needs[parts["vdes"]["bom-ref"]])


def test_what_a_distribution_needs_is_followed_through_extras() -> None:
    names = {needed.metadata["Name"].lower() for needed in closure(distribution("vdes"))}
    assert {"monai", "torch", "nibabel", "fire", "numpy"} <= names  # two of them by extras of MONAI
    assert not {"pytest", "sphinx"} & names


def test_what_is_not_committed_is_not_released(committed: Path, release: Release, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(committed), str(clone))
    (clone / "tools" / "new.py").write_text("")
    done = release(clone, tmp_path / "out")
    assert done.returncode == 2 and done.stderr == (
        "error: tools/new.py: not as in the last commit; commit it before a release\n"
    )
    (tmp_path / "out").mkdir()
    done = release(clone, tmp_path / "out")
    assert done.returncode == 2 and "exists already; expected the name of a folder to make" in done.stderr


def test_the_citation_names_the_version() -> None:
    assert f"\nversion: {vdes.__version__}\n" in (PROJECT / "CITATION.cff").read_text()
