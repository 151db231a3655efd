"""What is installed without a clone: the sdist and the wheel, and a study with nothing but the wheel."""

from __future__ import annotations

import email
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1]
SHIPPED = "vdes/bundle/shipped"
# what a clone may hold and nobody may get: a picture of CDD-CESM, a run, a cache, what the documentation builds
PRIVATE = (
    "bundles/breast_cesm_virtual_des_unet/docs/fidelity_sheet_model.png",
    "bundles/breast_cesm_virtual_des_unet/runs/train/model.pt",
    "docs/reference/api/vdes.rst",
    "notebooks/runs/study/report.html",
    "tests/__pycache__/conftest.cpython-311.pyc",
)
# settings of a forge, of git and of continuous integration
OF_THE_CLONE = (".ci/", ".git", ".pre-commit")
PACKAGE_DATA = (
    "vdes/py.typed",
    "vdes/phantom/beams.csv",
    "vdes/report/templates/study.html",
    "vdes/report/templates/study.css",
    "vdes/report/templates/study.js",
    "vdes/bundle/verify/schemas/bundle_metadata.json",
)
# tells which files of the clone a process opens, or a process that it starts
WATCH = """
import os, sys
CLONE, ENVIRONMENT, LOG = {clone!r}, {environment!r}, {log!r}
def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, os.PathLike)):
        path = os.path.abspath(arguments[0])
        if path.startswith(CLONE) and not path.startswith(ENVIRONMENT):
            with os.fdopen(os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a") as log:
                log.write(path + "\\n")
sys.addaudithook(watch)
"""


@dataclass(frozen=True)
class Built:
    """The files that `python -m build` makes."""

    sdist: Path
    wheel: Path


@dataclass(frozen=True)
class Environment:
    """An environment that has vdes from its wheel, and everything else from the environment of the tests."""

    folder: Path
    site_packages: Path
    opened: Path  # lists the files of the clone that were opened

    def run(self, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run one of its programs."""
        program = self.folder / "bin" / str(words[0])
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VDES_BUNDLES")}
        return subprocess.run(
            [str(program), *map(str, words[1:])], cwd=cwd, env=environment, capture_output=True, text=True
        )


def listed() -> set[str]:
    """Return the files of the project as git knows them, those that are new and not ignored included."""
    command = ["git", "-C", str(PROJECT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in names if (PROJECT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist of a copy of the clone, and the wheel that is built from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    for name in listed():
        copy = folder / "clone" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((PROJECT / name).read_bytes())
    for name in PRIVATE:
        (folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "clone" / name).write_text("private")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(folder / "clone")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Built(sdist, wheel)


@pytest.fixture(scope="module")
def environment(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A new environment into which pip has installed the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(built.wheel)], check=True)
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    of_the_tests = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # a folder that a .pth file names is searched, but its own .pth files, such as an editable vdes, are not read
    (site_packages / "others.pth").write_text("".join(f"{path}\n" for path in sorted(of_the_tests)))
    opened = folder / "opened.txt"
    names = {"clone": f"{PROJECT}{os.sep}", "environment": sys.prefix + os.sep, "log": str(opened)}
    (site_packages / "watch_clone.py").write_text(WATCH.format(**names))
    (site_packages / "watch_clone.pth").write_text("import watch_clone\n")
    return Environment(folder, site_packages, opened)


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every file in a folder, by its path there."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_sdist_holds_what_git_holds(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    generated = {name for name in names if name == "PKG-INFO" or name.startswith("vdes.egg-info/")}
    assert names - generated == {name for name in listed() if not name.startswith(OF_THE_CLONE)}


def test_the_wheel_holds_the_package_with_its_data_and_the_bundles_with_their_weights(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith("vdes-")}
        information = next(name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = email.message_from_bytes(archive.read(information))
        weights = f"{SHIPPED}/breast_cesm_virtual_des_unet/models/model_phantom.pt"
        original = PROJECT / "bundles" / "breast_cesm_virtual_des_unet" / "models" / "model_phantom.pt"
        assert hashlib.sha256(archive.read(weights)).digest() == hashlib.sha256(original.read_bytes()).digest()
    code = {name for name in listed() if name.startswith("vdes/")}
    bundles = {f"{SHIPPED}/{name.removeprefix('bundles/')}" for name in listed() if name.startswith("bundles/")}
    assert names == code | bundles
    assert set(PACKAGE_DATA) <= names
    assert sum(name.endswith(".pt") for name in names) == 8  # six, two of which the study shares
    required = metadata.get_all("Requires-Dist") or []
    assert [line for line in required if line.startswith("pydicom") and "extra ==" not in line]


def test_a_study_runs_in_an_empty_folder_with_nothing_but_the_wheel(environment: Environment, tmp_path: Path) -> None:
    shipped = environment.site_packages / SHIPPED
    before = hashes(shipped)
    words = ["vdes", "study", "--phantom", "5", "--output", "study", "--resamples", "50", "--height", "64"]
    done = environment.run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"report: {Path('study', 'report.html')}"
    assert "<html" in (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    used = json.loads((tmp_path / "study" / "metrics.json").read_text())["provenance"]["bundles"]
    assert {bundle["role"] for bundle in used} == {"unet", "cyclegan", "classifier"}
    weights = before["breast_cesm_virtual_des_unet/models/model_phantom.pt"]
    assert next(bundle["weights_sha256"] for bundle in used if bundle["role"] == "unet") == weights
    assert hashes(shipped) == before  # a study leaves nothing in the installed package
    assert [path.name for path in tmp_path.iterdir()] == ["study"]
    assert not environment.opened.exists(), environment.opened.read_text()


def test_installed_bundles_are_listed_and_pass_their_checks(environment: Environment, tmp_path: Path) -> None:
    bundles = sorted((environment.site_packages / SHIPPED).iterdir())
    done = environment.run("vdes", "bundle", "list", cwd=tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        str(bundles[0].parent),
        *(b.name for b in bundles),
    ]
    done = environment.run("vdes", "bundle", "verify", "--static", *bundles, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not environment.opened.exists(), environment.opened.read_text()


def test_the_watch_over_the_clone_sees_what_is_opened(environment: Environment, tmp_path: Path) -> None:
    done = environment.run("python", "-c", f"open({str(PROJECT / 'setup.cfg')!r})", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert environment.opened.read_text() == f"{PROJECT / 'setup.cfg'}\n"
    environment.opened.unlink()
