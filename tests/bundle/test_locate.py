from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vdes.bundle.locate import CLONE, bundle_names, find_bundle, find_bundles
from vdes.errors import InputError

NAMES = [
    "breast_cesm_lesion_classification",
    "breast_cesm_real_vs_virtual_des",
    "breast_cesm_virtual_des_cyclegan",
    "breast_cesm_virtual_des_unet",
]
FIND = "from vdes.bundle.locate import find_bundles; print(find_bundles())"


def with_bundle(folder: Path, name: str = "mine") -> Path:
    """Make a folder that holds one bundle."""
    (folder / name / "configs").mkdir(parents=True)
    (folder / name / "configs" / "metadata.json").write_text("{}")
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a copy of as much of the package as finds bundles, and nothing else."""
    site = tmp_path / "site"
    (site / "vdes" / "bundle").mkdir(parents=True)
    for name in ("__init__.py", "errors.py", "bundle/__init__.py", "bundle/locate.py"):
        shutil.copy(CLONE.parent / "vdes" / name, site / "vdes" / name)
    return site


def found_by(package: Path) -> subprocess.CompletedProcess[str]:
    """Look for bundles with a copy of the package, in its folder."""
    return subprocess.run([sys.executable, "-c", FIND], cwd=package, capture_output=True, text=True)


def test_a_clone_has_all_bundles_beside_the_package() -> None:
    assert find_bundles() == Path(__file__).resolve().parents[2] / "bundles"
    assert bundle_names(find_bundles()) == NAMES
    assert find_bundle(NAMES[0]) == CLONE / NAMES[0]


def test_a_given_folder_comes_first_and_the_clone_before_the_installed_copy(tmp_path: Path, package: Path) -> None:
    given = with_bundle(tmp_path / "given")
    assert find_bundles(given) == given
    assert find_bundle("mine", given) == given / "mine"
    installed = with_bundle(package / "vdes" / "bundle" / "shipped")
    assert found_by(package).stdout == f"{installed}\n"
    clone = with_bundle(package / "bundles")
    assert found_by(package).stdout == f"{clone}\n"


def test_where_there_are_none_the_error_says_how_to_get_them(package: Path) -> None:
    (package / "bundles" / "something_else").mkdir(parents=True)
    last = found_by(package).stderr.splitlines()[-1]
    assert f"InputError: bundles: neither in {package / 'bundles'} nor in {package}" in last
    for way in ("--bundles", "$VDES_BUNDLES", "Unpack their archives", "python -m monai.bundle download --name"):
        assert way in last


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "none", "none: no such folder; expected a folder that holds bundles, by --bundles or"),
        (lambda folder: folder, "no bundle in this folder; expected a folder that holds bundles, by --bundles or"),
        (lambda folder: with_bundle(folder) / "mine", "mine: is one bundle; expected the folder that holds it, "),
    ],
)
def test_a_given_folder_without_bundles_is_an_error(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        find_bundles(make(tmp_path))


def test_a_bundle_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no bundle 'yours' in this folder; expected one of mine"):
        find_bundle("yours", with_bundle(tmp_path))
