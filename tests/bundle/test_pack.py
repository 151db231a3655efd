"""Archives of bundles: the same bytes from the same commit, and run where vdes is not installed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from vdes.bundle.pack import pack
from vdes.cli import main
from vdes.cli.program import program
from vdes.errors import InputError

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no program git")

PROJECT = Path(__file__).resolve().parents[2]
UNET, CYCLEGAN = "breast_cesm_virtual_des_unet", "breast_cesm_virtual_des_cyclegan"
CLASSIFIER = "breast_cesm_lesion_classification"
STUDY = "breast_cesm_real_vs_virtual_des"
BUNDLES = (UNET, CYCLEGAN, CLASSIFIER, STUDY)
VERSION = "0.2.0"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=vdes", "-c", "user.email=vdes@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def committed(good_bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of its own, with the bundles and vdes, all committed."""
    checkout = tmp_path_factory.mktemp("committed")
    for name in BUNDLES:
        good_bundle(name, checkout / "bundles")
    shutil.copytree(PROJECT / "vdes", checkout / "vdes", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / ".gitignore").write_text("__pycache__/\n*.secret.png\n")
    git(checkout, "init", "--quiet")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "all")
    return checkout


@pytest.fixture
def checkout(committed: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return shutil.copytree(committed, tmp_path / "checkout")


@pytest.fixture(scope="module")
def archives(committed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bundles' archives."""
    folder = tmp_path_factory.mktemp("dist")
    for name in BUNDLES:
        archive, findings = pack(committed / "bundles" / name, folder, program())
        assert findings == [] and archive == folder / f"{name}_v{VERSION}.zip"
    return folder


# ---- what is in an archive -------------------------------------------------------------------------------------------


def test_an_archive_holds_the_bundle_its_licences_and_vdes(archives: Path) -> None:
    with zipfile.ZipFile(archives / f"{UNET}_v{VERSION}.zip") as archive:
        names = archive.namelist()
        expected = {"vdes/__init__.py", "vdes/errors.py", "vdes/networks/virtual_des_unet.py", "vdes/bundle/knobs.py"}
        expected |= {"vdes/dicom/virtual_des_writer.py"}  # of a component that is switched off by default
        expected |= {"LICENSE", "docs/data_license.txt", "models/model.pt", "configs/inference.yaml", "vdes/py.typed"}
        assert {f"{UNET}/{name}" for name in expected} <= set(names)
        assert archive.testzip() is None
        assert names == sorted(names) and {name.split("/")[0] for name in names} == {UNET}
        assert {(entry.date_time, entry.external_attr >> 16, entry.create_system) for entry in archive.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), 0o644, 3)
        }


def test_an_archive_holds_the_inference_config_in_json_and_the_card_of_a_hub_too(archives: Path) -> None:
    for name in BUNDLES:
        with zipfile.ZipFile(archives / f"{name}_v{VERSION}.zip") as archive:
            texts = [archive.read(f"{name}/configs/inference{suffix}") for suffix in (".json", ".yaml")]
            card = archive.read(f"{name}/README.md").decode()
        assert json.loads(texts[0]) == yaml.safe_load(texts[1])
        assert yaml.safe_load(card.split("---\n")[1])["model-index"][0]["name"] == name


def test_weights_that_two_bundles_share_are_in_both_archives(archives: Path) -> None:
    contents = []
    for name in ("breast_cesm_real_vs_virtual_des", "breast_cesm_lesion_classification"):
        with zipfile.ZipFile(archives / f"{name}_v{VERSION}.zip") as archive:
            contents.append([archive.read(f"{name}/models/model.{suffix}") for suffix in ("pt", "json")])
    assert contents[0] == contents[1] and len(contents[0][0]) > 1e6


def test_the_archive_of_the_study_carries_a_generator(archives: Path) -> None:
    with zipfile.ZipFile(archives / f"{STUDY}_v{VERSION}.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist() if name.startswith(f"{STUDY}/{UNET}/")}
    with zipfile.ZipFile(archives / f"{UNET}_v{VERSION}.zip") as archive:
        assert all(archive.read(name.removeprefix(f"{STUDY}/")) == content for name, content in inside.items())
    assert {f"{STUDY}/{UNET}/{name}" for name in ("LICENSE", "configs/inference.yaml", "models/model.pt")} <= set(
        inside
    )


def test_of_vdes_an_archive_holds_what_the_configs_lead_to(archives: Path) -> None:
    for name in BUNDLES:
        with zipfile.ZipFile(archives / f"{name}_v{VERSION}.zip") as archive:
            packed = {entry.removeprefix(f"{name}/") for entry in archive.namelist()}
        rooms = {entry.split("/")[1] for entry in packed if entry.startswith("vdes/") and entry.count("/") > 1}
        assert not rooms & {"cli", "reading", "experiments"} and "vdes/phantom/beams.csv" in packed
        # each copy serves all bundles: a process that loads two of them has the copy of the first
        assert {"vdes/networks/virtual_des_unet.py", "vdes/report/templates/study.css"} <= packed


def test_the_same_commit_gives_the_same_bytes(committed: Path, archives: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(committed), str(tmp_path / "clone"))
    for file in (tmp_path / "clone").rglob("*"):
        if ".git" not in file.parts:
            os.utime(file, (1e9, 1e9))
    (tmp_path / "clone" / "bundles" / UNET / "LICENSE").chmod(0o600)
    again, _ = pack(tmp_path / "clone" / "bundles" / UNET, tmp_path, program())
    assert again is not None
    one, other = (hashlib.sha256(file.read_bytes()).hexdigest() for file in (again, archives / again.name))
    assert one == other


def test_what_git_ignores_stays_out(checkout: Path, tmp_path: Path) -> None:
    (checkout / "bundles" / UNET / "docs" / "sheet.secret.png").write_bytes(b"a picture of a patient")
    archive, _ = pack(checkout / "bundles" / UNET, tmp_path, program())
    assert archive is not None
    with zipfile.ZipFile(archive) as content:
        assert not [name for name in content.namelist() if "secret" in name]


def test_listed_large_files_stay_out_and_are_fetched(checkout: Path, tmp_path: Path) -> None:
    bundle = checkout / "bundles" / UNET
    weights = bundle / "models" / "model.pt"
    hosted = shutil.copy(weights, tmp_path / "hosted.pt")
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    url = "https://example.org/model.pt"
    listed = f"large_files:\n  - path: models/model.pt\n    url: {url}\n    hash_type: sha256\n    hash_val: {sha256}\n"
    (bundle / "large_files.yml").write_text(listed)
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "large files")
    archive, findings = pack(bundle, tmp_path, program())
    assert findings == [] and archive is not None
    with zipfile.ZipFile(archive) as content:
        assert f"{UNET}/models/model.pt" not in content.namelist()
        content.extractall(tmp_path / "unpacked")
    # hosted on this disk, as it were
    (tmp_path / "unpacked" / UNET / "large_files.yml").write_text(listed.replace(url, hosted.as_uri()))
    from monai.bundle import download_large_files

    download_large_files(str(tmp_path / "unpacked" / UNET))
    fetched = (tmp_path / "unpacked" / UNET / "models" / "model.pt").read_bytes()
    assert hashlib.sha256(fetched).hexdigest() == sha256


# ---- what is refused -------------------------------------------------------------------------------------------------


def test_what_is_not_committed_is_not_packed(checkout: Path, tmp_path: Path) -> None:
    (checkout / "vdes" / "errors.py").open("a").write("\n")
    with pytest.raises(InputError, match=r"vdes/errors\.py: not as in the last commit"):
        pack(checkout / "bundles" / UNET, tmp_path, program())


def test_a_folder_outside_of_git_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="git rev-parse: fatal: not a git repository"):
        pack(tmp_path, tmp_path / "dist", program())
    with pytest.raises(InputError, match="no such folder"):
        pack(tmp_path / "none", tmp_path / "dist", program())


def test_a_bad_bundle_is_refused_with_the_reason(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = checkout / "bundles" / UNET / "models" / "model.pt"
    shutil.copy(weights.with_name("model_phantom.pt"), weights)
    git(checkout, "commit", "--quiet", "--all", "--message", "other weights")
    assert main(["bundle", "pack", str(weights.parents[1]), "--output", str(tmp_path / "dist")]) == 1
    printed = capsys.readouterr()
    of_weights, of_record = printed.out.splitlines()
    assert of_weights.startswith("models/model.pt: sha256 ")
    assert of_record.startswith("models/model.json: model.json is the record of other weights")
    assert not (tmp_path / "dist").exists()


def test_an_archive_is_replaced_when_told(checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bundle", "pack", str(checkout / "bundles" / UNET), "--output", str(tmp_path)]
    assert main(command) == 0
    size = (tmp_path / f"{UNET}_v{VERSION}.zip").stat().st_size / 1e6
    assert f"{UNET}_v{VERSION}.zip: {size:.1f} MB" in capsys.readouterr().out
    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


# ---- where vdes is not installed -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the Python of an environment that has everything that this one has, but not vdes."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    own = next(folder.glob("lib/python*/site-packages"))
    # the packages, whose own .pth files, of which one leads to vdes, are not read
    (own / "packages.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "bin" / "python"), "-W", "ignore", *arguments]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)

    if run(folder, "-c", "import vdes").returncode == 0:
        pytest.skip("vdes is installed among the packages themselves, not as an editable checkout")
    return run


@pytest.fixture(scope="module")
def unpacked(bare, archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which MONAI has downloaded the bundles."""
    folder = tmp_path_factory.mktemp("unpacked")
    for name in BUNDLES:
        url = (archives / f"{name}_v{VERSION}.zip").as_uri()
        download = ("-m", "monai.bundle", "download", "--name", name, "--url", url, "--bundle_dir", str(folder))
        done = bare(folder, *download)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from vdes.bundle.verify.phantoms import phantoms

    return phantoms(tmp_path_factory.mktemp("phantoms"))


QUICK = ("--precision", "float32", "--num_workers", "0", "--device", "cpu")


@pytest.mark.slow
@pytest.mark.parametrize("inside", [True, False], ids=["its own folder", "another folder"])
@pytest.mark.parametrize("name", BUNDLES)
def test_an_unpacked_bundle_runs_without_vdes_installed(
    bare, unpacked: Path, datalist: Path, tmp_path: Path, name: str, inside: bool
) -> None:
    bundle = unpacked / name
    cwd, root = (bundle, ".") if inside else (tmp_path, str(bundle))
    config = ("--config_file", f"{root}/configs/inference.yaml", "--bundle_root", root)
    data = ("--dataset_dir", str(datalist), "--output_dir", str(tmp_path / "made"))
    # of the shipped classifiers the phantoms' takes both inputs
    classifier = ("--ckpt_path", str(unpacked / CLASSIFIER / "models" / "model_phantom.pt"))
    height = ("--height", "96")
    own = {CLASSIFIER: classifier}.get(name, height)
    done = bare(cwd, "-m", "monai.bundle", "run", *config, *data, *own, *QUICK)
    assert done.returncode == 0, done.stderr[-2000:]
    if name in (CLASSIFIER, STUDY):
        assert len((tmp_path / "made" / "predictions.csv").read_text().splitlines()) == 1 + 16 * (4 + 2 + 1)
    if name != CLASSIFIER:
        assert len(list((tmp_path / "made").rglob("*.png"))) == 64


@pytest.mark.slow
@pytest.mark.parametrize("name", BUNDLES)
def test_the_model_zoos_unit_tests_pass_on_an_unpacked_bundle(bare, unpacked: Path, tmp_path: Path, name: str) -> None:
    """In the zoo's layout, from its folder, without vdes installed and without the other bundles."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).symlink_to(unpacked / name)
    shutil.copytree(PROJECT / "tests" / "zoo", tmp_path / "ci" / "unit_tests")
    done = bare(tmp_path, f"ci/unit_tests/test_{name}.py")
    assert done.returncode == 0 and done.stderr.splitlines()[-1] == "OK", done.stderr[-2000:]


@pytest.mark.slow
def test_an_unpacked_study_ends_in_its_report(bare, unpacked: Path, datalist: Path, tmp_path: Path) -> None:
    root = str(unpacked / STUDY)
    config = ("--config_file", f"{root}/configs/study.yaml", "--bundle_root", root)
    small = [f"--{name}" for name in ("unet_height", "cyclegan_height", "height")]
    knobs = [text for name in small for text in (name, "64")] + ["--n_resamples", "20"]
    data = ("--dataset_dir", str(datalist), "--output_dir", str(tmp_path / "study"))
    done = bare(tmp_path, "-m", "monai.bundle", "run", *config, *data, *knobs)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "study" / "report.html").stat().st_size > 100_000


LOAD = """
import sys
from pathlib import Path
import torch
from monai.bundle import load
folder, names = Path(sys.argv[1]), sys.argv[2:]
sys.path.insert(0, str(folder / names[0]))  # its copy of vdes
for name in names:
    network = load(name, bundle_dir=folder, workflow_type="inference", device="cpu")
    stored = torch.load(folder / name / "models" / "model.pt", weights_only=True)
    assert isinstance(network, torch.nn.Module) and network.state_dict().keys() == stored.keys()
    assert all(torch.equal(value, stored[key]) for key, value in network.state_dict().items())
import vdes
assert Path(vdes.__file__).is_relative_to(folder / names[0]), vdes.__file__
"""


@pytest.mark.slow
def test_monai_loads_the_networks_with_their_weights(bare, unpacked: Path, tmp_path: Path) -> None:
    done = bare(tmp_path, "-c", LOAD, str(unpacked), *BUNDLES)
    assert done.returncode == 0, done.stderr[-2000:]


TWO = """
import sys
from pathlib import Path
from monai.bundle import ConfigWorkflow, load
folder, datalist, output = map(Path, sys.argv[1:4])
for name in sys.argv[4:]:
    weights = load(name, bundle_dir=folder, device="cpu")
    workflow = ConfigWorkflow(
        str(folder / name / "configs" / "inference.yaml"), workflow_type="infer", logging_file=False,
        bundle_root=str(folder / name), dataset_dir=str(datalist), output_dir=str(output / name),
        height=96, precision="float32", num_workers=0, device="cpu",
    )
    workflow.initialize()
    workflow.run()
    assert workflow.check_properties() == []
    network = workflow.network_def
    assert load(name, model=network, bundle_dir=folder, device="cpu") is network
    assert all((value == weights[key]).all() for key, value in network.state_dict().items())
    workflow.finalize()
import vdes
assert Path(vdes.__file__).is_relative_to(folder / sys.argv[4]), vdes.__file__
"""


@pytest.mark.slow
def test_two_bundles_run_and_load_in_one_process(bare, unpacked: Path, datalist: Path, tmp_path: Path) -> None:
    done = bare(tmp_path, "-c", TWO, str(unpacked), str(datalist), str(tmp_path), UNET, CYCLEGAN)
    assert done.returncode == 0, done.stderr[-2000:]
    made = [{file.name for file in (tmp_path / name).glob("*.png")} for name in (UNET, CYCLEGAN)]
    assert len(made[0]) == 64 and made[0] == made[1]
